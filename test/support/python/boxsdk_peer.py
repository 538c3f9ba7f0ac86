"""Drives a Box through boxsdk 3, the SDK of kMoL, with what kMoL's programs and their administrators ask of it."""

import io
import json
import os
import threading
from types import SimpleNamespace

from scenarios import expect, expect_error, main, scenario


def connect(path):
    from boxsdk import BoxAPIException, Client, JWTAuth, OAuth2
    from boxsdk.config import API

    with open(path, encoding="utf8") as file:
        urls = json.load(file)["baseUrls"]
    API.BASE_API_URL = urls["api"] + "/2.0"
    API.UPLOAD_URL = urls["upload"] + "/2.0"
    API.OAUTH2_API_URL = urls["api"] + "/oauth2"
    client = Client(JWTAuth.from_settings_file(path))
    top = client.root_folder().create_subfolder("peer")
    return SimpleNamespace(
        client=client, top=top, path=path, error=BoxAPIException, auth=JWTAuth, oauth=OAuth2, new=Client
    )


def put(folder, name, content=b"content"):
    return folder.upload_stream(io.BytesIO(content), name)


def names(items):
    return [item.name for item in items]


@scenario("logs in, as the service account and as a user of the app")
def login(box):
    me = box.client.user().get()
    expect(me.login.startswith("AutomationUser_"), True)
    user = box.client.create_user("somebody")
    expect(box.client.as_user(user).user().get().name, "somebody")
    auth = box.auth.from_settings_file(box.path)
    auth.authenticate_user(user)
    expect(box.new(auth).user().get().id, user.id)
    user.delete(force=True)


@scenario("lists by offset and by marker, to the end")
def listing(box):
    folder = box.top.create_subfolder("listing")
    wanted = [f"file {number}" for number in range(8)]
    for name in wanted:
        put(folder, name)
    expect(names(folder.get_items(limit=3)), wanted)
    expect(names(folder.get_items(limit=3, use_marker=True)), wanted)
    expect(names(folder.get_items(limit=3, sort="name", direction="DESC")), wanted[::-1])
    expect(names(folder.get_items(limit=3, use_marker=True, sort="name", direction="DESC")), wanted[::-1])
    sizes = [item.size for item in folder.get_items(limit=1000, fields=["id", "type", "name", "size"])]
    expect(sizes, [7] * 8)
    expect(box.client.root_folder().get(fields=["has_collaborations", "tags"]).tags, [])


@scenario("uploads, and reads back, whole and in part")
def transfer(box):
    file = put(box.top, "transfer", b"0123456789")
    expect(file.content(), b"0123456789")
    expect(file.content(byte_range=(2, 4)), b"234")
    stream = io.BytesIO()
    file.download_to(stream)
    expect(stream.getvalue(), b"0123456789")
    expect(put(box.top, "nothing", b"").get().size, 0)
    box.top.preflight_check(10, "free")
    expect_error(box.error, 409, lambda: box.top.preflight_check(10, "transfer"))
    error = expect_error(box.error, 409, lambda: put(box.top, "transfer"))
    expect(error.code, "item_name_in_use")


@scenario("writes new contents without a name, as kMoL's heartbeats")
def heartbeat(box):
    file = put(box.top, "a_heartbeat.txt", b"1")
    again = file.update_contents_with_stream(io.BytesIO(b"2"))
    expect((again.name, again.id, file.content()), ("a_heartbeat.txt", file.id, b"2"))
    etag = file.get().etag
    file.update_contents_with_stream(io.BytesIO(b"3"), etag=etag)
    expect_error(box.error, 412, lambda: file.update_contents_with_stream(io.BytesIO(b"4"), etag=etag))
    renamed = file.update_contents_with_stream(io.BytesIO(b"5"), file_name="b_heartbeat.txt")
    expect(renamed.name, "b_heartbeat.txt")


@scenario("uploads in parts, by hand and by the uploader, and gives a finished session up")
def parts(box):
    content = os.urandom(2_500_000)
    uploader = box.top.create_upload_session(len(content), "large").get_chunked_uploader_for_stream(
        io.BytesIO(content), len(content)
    )
    file = uploader.start()
    expect(file.content() == content, True)
    session = file.create_upload_session(len(content))
    expect(len(list(session.get_parts())), 0)
    next_version = session.get_chunked_uploader_for_stream(io.BytesIO(content[::-1]), len(content)).start()
    expect(next_version.id, file.id)
    expect(file.content() == content[::-1], True)
    expect(session.abort(), True)
    expect(box.top.create_upload_session(len(content), "given up").abort(), True)


@scenario("makes an old version current, deletes one and brings it back")
def versions(box):
    file = put(box.top, "first name", b"1")
    file.update_contents_with_stream(io.BytesIO(b"2"), file_name="second name")
    (old,) = file.get_previous_versions()
    promoted = file.promote_version(old)
    expect(promoted.type, "file_version")
    expect((file.get().name, file.content()), ("first name", b"1"))
    expect(file.delete_version(old), True)


@scenario("deletes, finds in the trash and brings back")
def trash(box):
    file = put(box.top, "wasted")
    file.delete()
    expect(file.get().item_status, "trashed")
    bin_ = box.client.trash()
    expect(bin_.get_item(file).name, "wasted")
    expect("wasted" in names(bin_.get_items()), True)
    expect(bin_.restore_item(file).item_status, "active")
    file.delete()
    bin_.permanently_delete_item(file)
    expect_error(box.error, 404, file.get)


@scenario("deletes a folder with all that is inside, and the users who own something")
def recursive(box):
    folder = box.top.create_subfolder("full")
    put(folder, "inside")
    error = expect_error(box.error, 400, lambda: folder.delete(recursive=False))
    expect(error.code, "folder_not_empty")
    expect(folder.delete(), True)
    expect(expect_error(box.error, 404, folder.get).code, "trashed")
    expect(box.client.trash().restore_item(folder).name, "full")
    expect(names(folder.get_items()), ["inside"])
    user = box.client.create_user("owner")
    box.client.as_user(user).root_folder().create_subfolder("owned")
    expect_error(box.error, 400, lambda: user.delete(force=False))
    expect(user.delete(force=True), True)


@scenario("shares folders with users and groups, and lists what is pending")
def sharing(box):
    folder = box.top.create_subfolder("shared")
    user = box.client.create_user("guest")
    collaboration = folder.collaborate(user, "editor", notify=False)
    expect(names(box.client.as_user(user).root_folder().get_items()), ["shared"])
    expect([each.id for each in folder.get_collaborations(limit=10)], [collaboration.id])
    expect(collaboration.update_info(role="viewer").role, "viewer")
    expect(list(box.client.get_pending_collaborations()), [])
    expect(collaboration.delete(), True)
    group = box.client.create_group("a group", description="of one")
    membership = group.add_member(user, "member")
    expect([each.user.id for each in group.get_memberships()], [user.id])
    expect(folder.collaborate(group, "viewer").status, "accepted")
    expect(len(list(group.get_collaborations())), 1)
    expect(membership.update_info(data={"role": "admin"}).role, "admin")
    expect("a group" in names(box.client.get_groups()), True)
    expect(group.delete(), True)
    found = [each.id for each in box.client.users(limit=1, use_marker=True)]
    expect(user.id in found, True)
    expect([each.id for each in box.client.users(filter_term="gue")], [user.id])


@scenario("moves, renames, copies, describes and locks")
def changes(box):
    folder = box.top.create_subfolder("target")
    file = put(box.top, "subject")
    expect(file.rename("renamed").name, "renamed")
    expect(file.move(folder).parent.id, folder.id)
    expect(file.copy(parent_folder=box.top).name, "renamed")
    expect(file.update_info(data={"description": "words"}).description, "words")
    expect_error(box.error, 412, lambda: file.update_info(data={"name": "x"}, etag="99"))
    expect(file.lock().get(fields=["lock"]).lock["type"], "lock")
    expect(file.unlock().get(fields=["lock"]).lock, None)
    expect(folder.copy(parent_folder=box.top, name="copy of it").name, "copy of it")
    link = box.top.create_web_link("https://example.org", name="link", description="there")
    expect(link.update_info(data={"name": "other"}).name, "other")
    link.delete()
    expect(link.get().item_status, "trashed")


@scenario("reads events, and waits for the next one")
def events(box):
    stream = box.client.events()
    position = stream.get_latest_stream_position()
    put(box.top, "told")
    answer = stream.get_events(stream_position=position)
    expect([entry.event_type for entry in answer["entries"]], ["ITEM_UPLOAD"])
    expect(stream.get_long_poll_options()["type"], "realtime_server")
    poll = stream.generate_events_with_long_polling(stream_position=answer["next_stream_position"])
    timer = threading.Timer(0.2, lambda: put(box.top, "told later"))
    timer.start()
    expect(next(poll).source.name, "told later")
    timer.join()


@scenario("narrows a token down")
def downscoping(box):
    file = put(box.top, "narrow")
    token = box.client.downscope_token(["item_preview"], file)
    narrow = box.new(box.oauth("", "", access_token=token.access_token)).file(file.id)
    expect(narrow.get().id, file.id)
    expect(expect_error(box.error, 403, lambda: narrow.rename("wider")).code, "insufficient_scope")


@scenario("is told what is not there, and what is not emulated")
def refusals(box):
    expect(expect_error(box.error, 404, box.client.file("1").get).code, "not_found")
    error = expect_error(box.error, 404, lambda: list(box.client.search().query("words")))
    expect(error.context_info["errors"][0]["reason"], "not_emulated")
    file = put(box.top, "unshared")
    expect("emulated" in str(expect_error(box.error, 400, file.get_shared_link).context_info), True)


main(connect)
