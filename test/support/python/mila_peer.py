"""A client and a server of Mila's gRPC service, as kMoL's behave on the wire, for models that are numbers in text.

usage: mila_peer.py client TARGET NAME STEP [OPTIONS-JSON]
       mila_peer.py server PORT_FILE ROUNDS MINIMUM [OPTIONS-JSON]
Prints one JSON object a line.
"""
import json
import sys
import threading
import time
import uuid
from concurrent import futures

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, empty_pb2, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto
MESSAGES = {
    "Client": [("name", FIELD.TYPE_STRING)],
    "Token": [("token", FIELD.TYPE_STRING)],
    "Model": [("json_configuration", FIELD.TYPE_BYTES), ("latest_checkpoint", FIELD.TYPE_BYTES)],
    "Checkpoint": [("token", FIELD.TYPE_STRING), ("content", FIELD.TYPE_BYTES)],
}


def message_classes():
    file = descriptor_pb2.FileDescriptorProto(name="mila_peer.proto", package="mila", syntax="proto3")
    for name, fields in MESSAGES.items():
        message = file.message_type.add(name=name)
        for number, (field, kind) in enumerate(fields, 1):
            message.field.add(name=field, number=number, type=kind, label=FIELD.LABEL_OPTIONAL)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName("mila." + name)) for name in MESSAGES}


TYPES = message_classes()
CALLS = {
    "Authenticate": (TYPES["Client"], TYPES["Token"]),
    "Heartbeat": (TYPES["Token"], empty_pb2.Empty),
    "Close": (TYPES["Token"], empty_pb2.Empty),
    "RequestModel": (TYPES["Token"], TYPES["Model"]),
    "SendCheckpoint": (TYPES["Checkpoint"], empty_pb2.Empty),
}
LIMITS = [("grpc.max_send_message_length", 1000000000), ("grpc.max_receive_message_length", 1000000000)]


def say(**what):
    print(json.dumps(what), flush=True)


class Client:
    def __init__(self, target, name, step, options):
        self.target, self.name, self.step, self.options = target, name, step, options

    def channel(self):
        tls = self.options.get("tls")
        if tls is None:
            return grpc.insecure_channel(self.target, options=LIMITS)
        read = lambda key: open(tls[key], "rb").read()
        credentials = grpc.ssl_channel_credentials(read("root"), read("key"), read("cert"))
        override = [("grpc.ssl_target_name_override", tls["override"])] if "override" in tls else []
        return grpc.secure_channel(self.target, credentials, options=LIMITS + override)

    def call(self, method, request):
        request_type, response_type = CALLS[method]
        # A channel of its own for each call, as the reference does it.
        with self.channel() as channel:
            stub = channel.unary_unary(
                "/mila.Mila/" + method,
                request_serializer=request_type.SerializeToString,
                response_deserializer=response_type.FromString,
            )
            return stub(request, timeout=30)

    def beat(self, token):
        while True:
            try:
                self.call("Heartbeat", TYPES["Token"](token=token))
            except grpc.RpcError as error:
                say(heartbeat=error.code().name)
                return
            time.sleep(self.options.get("heartbeat", 1))

    def until_ready(self, method, request):
        while True:
            try:
                return self.call(method, request)
            except grpc.RpcError as error:
                if error.code() != grpc.StatusCode.RESOURCE_EXHAUSTED:
                    raise
                say(waiting=error.details())
                time.sleep(self.options.get("retry", 0.05))

    def run(self):
        token = self.call("Authenticate", TYPES["Client"](name=self.name)).token
        say(token=token)
        threading.Thread(target=self.beat, args=(token,), daemon=True).start()
        value = 0.0
        for _ in range(self.options.get("rounds", 1000)):
            model = self.until_ready("RequestModel", TYPES["Token"](token=token))
            start = model.latest_checkpoint
            value = (float(start) if start else 0.0) + self.step
            say(model=start.decode(), configuration=model.json_configuration.decode())
            content = str(value).encode() * self.options.get("copies", 1)
            self.until_ready("SendCheckpoint", TYPES["Checkpoint"](token=token, content=content))
        if self.options.get("close"):
            self.call("Close", TYPES["Token"](token=token))
            say(closed=True)


def client(target, name, step, options):
    try:
        Client(target, name, float(step), options).run()
    except grpc.RpcError as error:
        say(ended=error.code().name, details=error.details())


class Participant:
    def __init__(self, name, ip):
        self.name, self.ip, self.round, self.awaiting = name, ip, 0, False


class Server:
    def __init__(self, rounds, minimum, options):
        self.rounds, self.minimum, self.options = rounds, minimum, options
        self.registry, self.round, self.latest, self.closed = {}, 1, b"", False
        self.uploads, self.lock, self.done = {}, threading.RLock(), threading.Event()

    def valid(self, token, context):
        if token not in self.registry:
            context.abort(grpc.StatusCode.PERMISSION_DENIED, "Access Denied... Token is invalid...")
        return self.registry[token]

    def Authenticate(self, request, context):
        ip = context.peer().split(":")[1]
        with self.lock:
            for token, known in self.registry.items():
                if (known.name, known.ip) == (request.name, ip):
                    return TYPES["Token"](token=token)
            if self.closed:
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "Authentication failed... Registration is closed.")
            token = str(uuid.uuid4())
            self.registry[token] = Participant(request.name, ip)
            say(registered=request.name)
            return TYPES["Token"](token=token)

    def Heartbeat(self, request, context):
        self.valid(request.token, context)
        return empty_pb2.Empty()

    def Close(self, request, context):
        participant = self.valid(request.token, context)
        with self.lock:
            del self.registry[request.token]
        say(closed=participant.name)
        return empty_pb2.Empty()

    def RequestModel(self, request, context):
        with self.lock:
            participant = self.valid(request.token, context)
            if not self.closed and len(self.registry) < self.minimum:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Waiting for more clients to join.")
            self.closed = True
            if self.round > self.rounds:
                self.done.set()
                context.abort(grpc.StatusCode.PERMISSION_DENIED, "All rounds have been completed. Closing session.")
            if participant.round >= self.round:
                context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "Next round is not available yet.")
            participant.round, participant.awaiting = self.round, True
            configuration = json.dumps(self.options.get("task", {"epochs": 1})).encode()
            return TYPES["Model"](json_configuration=configuration, latest_checkpoint=self.latest)

    def SendCheckpoint(self, request, context):
        with self.lock:
            participant = self.valid(request.token, context)
            if participant.name not in self.options.get("failed", []) and self.options.get("fail_first") == participant.name:
                self.options.setdefault("failed", []).append(participant.name)
                context.abort(grpc.StatusCode.UNAVAILABLE, "not this time")
            self.uploads[participant.name] = request.content
            participant.awaiting = False
            everybody = self.registry.values()
            if all(each.round == self.round and not each.awaiting for each in everybody):
                values = [float(content) for content in self.uploads.values()]
                self.latest = str(sum(values) / len(values)).encode()
                say(round=self.round, aggregate=self.latest.decode())
                self.uploads, self.round = {}, self.round + 1
            return empty_pb2.Empty()


def server(port_file, rounds, minimum, options):
    mila = Server(int(rounds), int(minimum), options)
    handlers = {
        name: grpc.unary_unary_rpc_method_handler(
            getattr(mila, name),
            request_deserializer=request_type.FromString,
            response_serializer=response_type.SerializeToString,
        )
        for name, (request_type, response_type) in CALLS.items()
    }
    listening = grpc.server(futures.ThreadPoolExecutor(max_workers=4), options=LIMITS)
    listening.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("mila.Mila", handlers),))
    tls = options.get("tls")
    if tls is None:
        port = listening.add_insecure_port("127.0.0.1:0")
    else:
        read = lambda key: open(tls[key], "rb").read()
        pair = [(read("key"), read("cert"))]
        port = listening.add_secure_port("localhost:0", grpc.ssl_server_credentials(pair, read("root"), True))
    listening.start()
    say(port=port)
    mila.done.wait(timeout=60)
    time.sleep(options.get("linger", 0.5))
    listening.stop(grace=1)
    say(aggregate=mila.latest.decode(), finished=mila.round > mila.rounds)


if __name__ == "__main__":
    role, first, second, third = sys.argv[1:5]
    options = json.loads(sys.argv[5]) if len(sys.argv) > 5 else {}
    (client if role == "client" else server)(first, second, third, options)
