"""Peers that behave in a Box folder as kMoL 1.1.9's BoxServer and BoxClient do, straight against Box's API.

The files they look for, their order, their bytes, what stops them, and real PyTorch checkpoints. Nothing of mila-sync is
used. Arguments: server|client|train and a JSON document with the settings.
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections import OrderedDict

import torch

POLL_SECONDS = 0.3
POLLS_MAX = 400


class Box:
    """The few calls of Box's API that the peers make, in the name of one account."""

    def __init__(self, api, upload, token):
        self.api, self.upload_url, self.token = api, upload, token

    def call(self, method, url, body=None, content_type="application/json"):
        data = json.dumps(body).encode() if isinstance(body, dict) else body
        request = urllib.request.Request(url, data=data, method=method)
        request.add_header("Authorization", "Bearer " + self.token)
        if data is not None:
            request.add_header("Content-Type", content_type)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.read()

    def entries(self, folder):
        url = f"{self.api}/2.0/folders/{folder}/items?limit=1000&fields=id,type,name,size,created_by,content_created_at"
        return json.loads(self.call("GET", url))["entries"]

    def find(self, folder, name):
        return next((entry for entry in self.entries(folder) if entry["name"] == name), None)

    def below(self, folder, *names):
        for name in names:
            found = self.find(folder, name)
            if found is None:
                return None
            folder = found["id"]
        return folder

    def make_folder(self, parent, name):
        body = {"name": name, "parent": {"id": parent}}
        return json.loads(self.call("POST", f"{self.api}/2.0/folders", body))["id"]

    def _send(self, url, attributes, content):
        edge = "----edge7MA4YWxk"
        parts = [
            f'--{edge}\r\nContent-Disposition: form-data; name="attributes"\r\n\r\n{json.dumps(attributes)}\r\n',
            f'--{edge}\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n'
            "Content-Type: application/octet-stream\r\n\r\n",
        ]
        body = "".join(parts).encode() + content + f"\r\n--{edge}--\r\n".encode()
        return json.loads(self.call("POST", url, body, f"multipart/form-data; boundary={edge}"))

    def create(self, parent, name, content):
        """A second file of a name is refused by Box, which kMoL's programs cannot get over."""
        attributes = {"name": name, "parent": {"id": parent}}
        return self._send(f"{self.upload_url}/2.0/files/content", attributes, content)

    def overwrite(self, file, name, content):
        return self._send(f"{self.upload_url}/2.0/files/{file}/content", {"name": name}, content)

    def read(self, file):
        return self.call("GET", f"{self.api}/2.0/files/{file}/content")


def until(what, look):
    for _ in range(POLLS_MAX):
        found = look()
        if found is not None:
            return found
        time.sleep(POLL_SECONDS)
    raise SystemExit(f"waited in vain for {what}")


def network():
    return torch.nn.Sequential(torch.nn.Linear(3, 2), torch.nn.BatchNorm1d(2))


def train(start_path, output_path, step):
    """One training as kMoL leaves it: epoch, model, optimizer and a OneCycleLR scheduler in one checkpoint."""
    torch.manual_seed(1)
    model = network()
    with torch.no_grad():
        for value in model.parameters():
            value.zero_()
    if start_path is not None:
        start = torch.load(start_path)
        # What an aggregate holds is part of the contract: anything more would change what is trained.
        assert list(start) == ["model"], list(start)
        assert type(start["model"]) is OrderedDict, type(start["model"])
        model.load_state_dict(start["model"], strict=True)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(step)
        model[1].num_batches_tracked.add_(1)
    optimizer = torch.optim.AdamW(model.parameters())
    scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=10)
    checkpoint = {
        "epoch": 1,
        "model": model.state_dict(),
        "optimizer": optimizer.state_dict(),
        "scheduler": scheduler.state_dict(),
    }
    torch.save(checkpoint, output_path)


def newest_run(box, settings):
    """The newest by content_created_at of everything in save_path, whatever it is."""
    parent = box.below("0", settings["shared_dir_name"], *settings["save_path"].split("/"))
    items = [] if parent is None else box.entries(parent)
    if not items:
        return None
    run = max(items, key=lambda item: item["content_created_at"])
    return run["id"] if box.find(run["id"], "cfg.json") else None


def client(settings):
    box = Box(settings["api"], settings["upload"], settings["token"])
    name, folder = settings["name"], settings["folder"]
    run = until("a run", lambda: newest_run(box, settings))
    # It knows one spelling only, and stops where a folder is missing.
    claims = box.below(run, "authentifications")
    beats = box.below(run, "heartbeats")
    if claims is None or beats is None:
        raise SystemExit("FileNotFoundError")
    claim = f"{name}_authentification.txt"
    box.create(claims, claim, b"")
    box.create(beats, f"{name}_heartbeat.txt", str(time.time()).encode())

    def is_over():
        names = {entry["name"] for entry in box.entries(run)}
        return "server_ended.txt" in names or f"{name}.lost_connection" in names

    def answered():
        text = box.read(box.find(claims, claim)["id"]).decode()
        word = text.split(" ")[0].lower()
        if word == "error":
            raise SystemExit(text)
        return text if word == "authenticated" else None

    answer = until("an answer", answered)
    task = box.read(box.find(run, "cfg.json")["id"]).decode()
    json.loads(task)
    rounds = []
    number = 1
    while not is_over():
        def opened():
            if is_over():
                return "over"
            at = box.below(run, "rounds", f"round_{number}")
            if at is None:
                return None
            aggregate = box.find(at, "server.agg")
            if aggregate is not None:
                return at, box.read(aggregate["id"])
            return (at, None) if box.find(at, "no_starting_model.info") else None

        found = until(f"round {number}", opened)
        if found == "over" or is_over():
            break
        at, aggregate = found
        start = None
        if aggregate is not None:
            start = os.path.join(folder, "server.agg")
            with open(start, "wb") as file:
                file.write(aggregate)
        output = os.path.join(folder, f"checkpoint.{number}.pt")
        train(start, output, settings["step"])
        with open(output, "rb") as file:
            box.create(at, f"{name.lower()}.pt", file.read())
        rounds.append(number)
        number += 1
    print(json.dumps({"answer": answer, "task": task, "rounds": rounds}))


def server(settings):
    box = Box(settings["api"], settings["upload"], settings["token"])
    folder, count = settings["folder"], settings["clients"]
    parent = until(
        "save_path", lambda: box.below("0", settings["shared_dir_name"], *settings["save_path"].split("/"))
    )
    run = box.make_folder(parent, settings["run"])
    claims = box.make_folder(run, "authentifications")
    box.make_folder(run, "heartbeats")
    box.create(run, "cfg.json", settings["task"].encode())
    registry = {}

    def registered():
        for entry in box.entries(claims):
            if entry["size"] != 0 or entry["id"] in registry:
                continue
            # Who created the file is who takes part, under the account's display name.
            user = entry["created_by"]
            registry[entry["id"]] = user["name"]
            box.overwrite(entry["id"], entry["name"], f"Authenticated - Token {user['id']}".encode())
        return True if len(registry) == count else None

    until("participants", registered)
    rounds = box.make_folder(run, "rounds")
    at = box.make_folder(rounds, "round_1")
    box.create(at, "no_starting_model.info", b"")
    for number in range(1, settings["rounds"] + 1):
        def delivered():
            # It counts files, so that one too many would make it wait for ever.
            files = [entry for entry in box.entries(at) if entry["name"].endswith(".pt")]
            return files if len(files) == count else None

        files = until(f"updates of round {number}", delivered)
        by_name = {entry["name"]: entry for entry in files}
        models = []
        for name in registry.values():
            path = os.path.join(folder, name)
            with open(path, "wb") as file:
                file.write(box.read(by_name[f"{name.lower()}.pt"]["id"]))
            models.append(torch.load(path, map_location="cpu")["model"])
        mean = OrderedDict()
        for key in models[0]:
            total = sum(model[key] for model in models)
            mean[key] = total / count if total.is_floating_point() else torch.div(total, count, rounding_mode="floor")
        output = os.path.join(folder, f"{number}.aggregate.pt")
        torch.save({"model": mean}, output)
        at = box.make_folder(rounds, f"round_{number + 1}")
        with open(output, "rb") as file:
            box.create(at, "server.agg", file.read())
    # The final model comes before the end, so that a fast client starts another training.
    box.create(run, "server_ended.txt", b"Training finished 1673943293.448432")
    print(json.dumps({"names": sorted(registry.values()), "bias": mean["0.bias"].tolist()}))


def kmol_train(arguments):
    """`kmol train CONFIG`: what a client of ours runs."""
    with open(arguments[0]) as file:
        configuration = json.load(file)
    run = os.path.join(configuration["output_path"], time.strftime("%Y-%m-%d_%H-%M"))
    os.makedirs(run, exist_ok=True)
    output = os.path.join(run, f"checkpoint.{configuration['epochs']}.pt")
    train(configuration.get("checkpoint_path"), output, configuration["step"])


if __name__ == "__main__":
    role, *rest = sys.argv[1:]
    if role == "train":
        kmol_train(rest)
    else:
        {"server": server, "client": client}[role](json.loads(rest[0]))
