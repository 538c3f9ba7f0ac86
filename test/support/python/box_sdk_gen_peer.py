"""Drives a Box through the generated SDK, box_sdk_gen, with what a sync program and its administrator ask of it."""

import io
import json
import os
from types import SimpleNamespace

from scenarios import expect, expect_error, main, scenario


def connect(path):
    import box_sdk_gen as sdk

    with open(path, encoding="utf8") as file:
        urls = json.load(file)["baseUrls"]
    network = sdk.NetworkSession(
        base_urls=sdk.BaseUrls(base_url=urls["api"], upload_url=urls["upload"], oauth_2_url=urls["oauth2"])
    )
    auth = sdk.BoxJWTAuth(sdk.JWTConfig.from_config_file(path))
    client = sdk.BoxClient(auth, network_session=network)
    top = make_folder(client, "0", "peer")
    return SimpleNamespace(client=client, top=top, sdk=sdk, auth=auth, network=network, error=sdk.BoxAPIError)


def make_folder(client, parent, name):
    from box_sdk_gen import CreateFolderParent

    return client.folders.create_folder(name, CreateFolderParent(id=parent)).id


def put(box, name, content=b"content", parent=None):
    attributes = box.sdk.UploadFileAttributes(
        name=name, parent=box.sdk.UploadFileAttributesParentField(id=parent or box.top)
    )
    return box.client.uploads.upload_file(attributes, io.BytesIO(content)).entries[0]


def write(box, id, name, content, **options):
    attributes = box.sdk.UploadFileVersionAttributes(name=name)
    return box.client.uploads.upload_file_version(id, attributes, io.BytesIO(content), **options).entries[0]


def names(page):
    return [entry.name for entry in page.entries]


@scenario("logs in, as the service account and as a user of the app")
def login(box):
    me = box.client.users.get_user_me()
    expect(me.login.startswith("AutomationUser_"), True)
    user = box.client.users.create_user("somebody", is_platform_access_only=True)
    expect(box.client.with_as_user_header(user.id).users.get_user_me().name, "somebody")
    own = box.sdk.BoxClient(box.auth.with_user_subject(user.id), network_session=box.network)
    expect(own.users.get_user_me().id, user.id)
    box.client.users.delete_user_by_id(user.id, force=True, notify=False)


@scenario("lists by offset and by marker, to the end")
def listing(box):
    folder = make_folder(box.client, box.top, "listing")
    wanted = [f"file {number}" for number in range(8)]
    for name in wanted:
        put(box, name, parent=folder)
    items = box.client.folders.get_folder_items
    seen = []
    for offset in (0, 3, 6):
        seen += names(items(folder, limit=3, offset=offset))
    expect(seen, wanted)
    seen, marker = [], None
    while True:
        page = items(folder, limit=3, usemarker=True, marker=marker)
        seen += names(page)
        marker = page.next_marker
        if not marker:
            break
    expect(seen, wanted)
    expect(names(items(folder, sort="name", direction="DESC")), wanted[::-1])
    root = box.client.folders.get_folder_by_id("0", fields=["has_collaborations", "tags"])
    expect((root.has_collaborations, root.tags), (False, []))


@scenario("uploads, and reads back, whole and in part")
def transfer(box):
    file = put(box, "transfer", b"0123456789")
    expect(box.client.downloads.download_file(file.id).read(), b"0123456789")
    expect(box.client.downloads.download_file(file.id, range="bytes=2-4").read(), b"234")
    expect(put(box, "nothing", b"").size, 0)
    parent = box.sdk.PreflightFileUploadCheckParent(id=box.top)
    check = box.client.uploads.preflight_file_upload_check
    expect(check(name="free", size=10, parent=parent).upload_url.startswith("http"), True)
    expect_error(box.error, 409, lambda: check(name="transfer", size=10, parent=parent))
    expect_error(box.error, 409, lambda: put(box, "transfer"))


@scenario("writes new contents, under a condition and under another name")
def contents(box):
    file = put(box, "a_heartbeat.txt", b"1")
    again = write(box, file.id, "a_heartbeat.txt", b"2")
    expect((again.id, again.etag), (file.id, "1"))
    write(box, file.id, "a_heartbeat.txt", b"3", if_match="1")
    expect_error(box.error, 412, lambda: write(box, file.id, "a_heartbeat.txt", b"4", if_match="1"))
    expect(write(box, file.id, "b_heartbeat.txt", b"5").name, "b_heartbeat.txt")


@scenario("uploads in parts, a file and a version, and gives a finished session up")
def parts(box):
    content = os.urandom(2_500_000)
    uploads = box.client.chunked_uploads
    file = uploads.upload_big_file(io.BytesIO(content), "large", len(content), box.top)
    expect(box.client.downloads.download_file(file.id).read() == content, True)
    again = uploads.upload_big_file_version(file.id, io.BytesIO(content[::-1]), len(content))
    expect((again.id, again.name), (file.id, "large"))
    expect(box.client.downloads.download_file(file.id).read() == content[::-1], True)
    by_hand(box, content)


def by_hand(box, content):
    import base64
    import hashlib

    def digest(some):
        return "sha=" + base64.b64encode(hashlib.sha1(some).digest()).decode()

    uploads = box.client.chunked_uploads
    session = uploads.create_file_upload_session(box.top, len(content), "by hand")
    sent = []
    for start in range(0, len(content), session.part_size):
        part = content[start : start + session.part_size]
        content_range = f"bytes {start}-{start + len(part) - 1}/{len(content)}"
        sent.append(uploads.upload_file_part(session.id, io.BytesIO(part), digest(part), content_range).part)
    expect(uploads.get_file_upload_session_by_id(session.id).num_parts_processed, len(sent))
    expect(len(uploads.get_file_upload_session_parts(session.id).entries), len(sent))
    made = uploads.create_file_upload_session_commit(session.id, sent, digest(content))
    expect(made.entries[0].name, "by hand")
    uploads.delete_file_upload_session_by_id(session.id)


@scenario("makes an old version current, deletes one and brings it back")
def versions(box):
    file = put(box, "first name", b"1")
    write(box, file.id, "second name", b"2")
    manager = box.client.file_versions
    old = manager.get_file_versions(file.id).entries[0].id
    manager.promote_file_version(file.id, id=old, type="file_version")
    expect(box.client.files.get_file_by_id(file.id).name, "first name")
    manager.delete_file_version_by_id(file.id, old)
    manager.update_file_version_by_id(file.id, old, trashed_at=box.sdk.null)
    back = manager.get_file_version_by_id(file.id, old, fields=["trashed_at", "restored_at", "restored_by"])
    expect((back.trashed_at, back.restored_at is None, back.restored_by is None), (None, False, False))


@scenario("deletes, finds in the trash and brings back")
def trash(box):
    file = put(box, "wasted")
    box.client.files.delete_file_by_id(file.id)
    expect(box.client.files.get_file_by_id(file.id).item_status, "trashed")
    expect(box.client.trashed_files.get_trashed_file_by_id(file.id).name, "wasted")
    found = box.client.trashed_items.get_trashed_items(usemarker=True, limit=1000)
    expect("wasted" in names(found), True)
    expect(box.client.trashed_files.restore_file_from_trash(file.id).item_status, "active")
    box.client.files.delete_file_by_id(file.id)
    box.client.trashed_files.delete_trashed_file_by_id(file.id)
    expect_error(box.error, 404, lambda: box.client.files.get_file_by_id(file.id))
    parent = box.sdk.CreateWebLinkParent(id=box.top)
    link = box.client.web_links.create_web_link("https://example.org", parent, name="link")
    box.client.web_links.delete_web_link_by_id(link.id)
    expect(box.client.web_links.get_web_link_by_id(link.id).item_status, "trashed")


@scenario("deletes a folder with all that is inside")
def recursive(box):
    folder = make_folder(box.client, box.top, "full")
    put(box, "inside", parent=folder)
    expect_error(box.error, 400, lambda: box.client.folders.delete_folder_by_id(folder))
    box.client.folders.delete_folder_by_id(folder, recursive=True)
    expect_error(box.error, 404, lambda: box.client.folders.get_folder_by_id(folder))
    expect(box.client.trashed_folders.restore_folder_from_trash(folder).name, "full")


@scenario("shares folders with users and groups, and lists what is pending")
def sharing(box):
    sdk, client = box.sdk, box.client
    folder = make_folder(client, box.top, "shared")
    user = client.users.create_user("guest", is_platform_access_only=True)

    def share(kind, id, role):
        item = sdk.CreateCollaborationItem(type="folder", id=folder)
        who = sdk.CreateCollaborationAccessibleBy(type=kind, id=id)
        return client.user_collaborations.create_collaboration(item, who, role, notify=False)

    made = share("user", user.id, "editor")
    expect(names(client.with_as_user_header(user.id).folders.get_folder_items("0")), ["shared"])
    listed = client.list_collaborations.get_folder_collaborations(folder, limit=10)
    expect([each.id for each in listed.entries], [made.id])
    expect(client.user_collaborations.update_collaboration_by_id(made.id, role="viewer").role, "viewer")
    expect(client.list_collaborations.get_collaborations("pending").entries, [])
    client.user_collaborations.delete_collaboration_by_id(made.id)
    group = client.groups.create_group("a group", description="of one")
    membership = client.memberships.create_group_membership(
        sdk.CreateGroupMembershipUser(id=user.id), sdk.CreateGroupMembershipGroup(id=group.id), role="member"
    )
    expect(client.memberships.get_group_memberships(group.id).entries[0].user.id, user.id)
    expect(client.memberships.update_group_membership_by_id(membership.id, role="admin").role, "admin")
    expect(share("group", group.id, "viewer").status, "accepted")
    expect(len(client.list_collaborations.get_group_collaborations(group.id).entries), 1)
    client.groups.delete_group_by_id(group.id)
    expect("guest" in names(client.users.get_users(usemarker=True)), True)


@scenario("moves, renames, copies, describes and locks")
def changes(box):
    sdk, files = box.sdk, box.client.files
    folder = make_folder(box.client, box.top, "target")
    file = put(box, "subject")
    parent = sdk.UpdateFileByIdParent(id=folder)
    moved = files.update_file_by_id(file.id, name="renamed", parent=parent, description="words")
    expect((moved.name, moved.parent.id, moved.description), ("renamed", folder, "words"))
    expect(files.copy_file(file.id, sdk.CopyFileParent(id=box.top)).name, "renamed")
    expect_error(box.error, 412, lambda: files.update_file_by_id(file.id, name="x", if_match="99"))
    lock = sdk.UpdateFileByIdLock(access="lock")
    expect(files.update_file_by_id(file.id, lock=lock, fields=["lock"]).lock.type, "lock")
    expect(files.update_file_by_id(file.id, lock=sdk.null, fields=["lock"]).lock, None)
    copy = box.client.folders.copy_folder(folder, sdk.CopyFolderParent(id=box.top), name="copy of it")
    expect(copy.name, "copy of it")


@scenario("reads events, and the address where to wait for the next one")
def events(box):
    manager = box.client.events
    position = manager.get_events(stream_position="now").next_stream_position
    put(box, "told")
    answer = manager.get_events(stream_position=str(position))
    expect([str(entry.event_type.value) for entry in answer.entries], ["ITEM_UPLOAD"])
    expect(manager.get_events_with_long_polling().entries[0].type, "realtime_server")


@scenario("narrows a token down")
def downscoping(box):
    file = put(box, "narrow")
    token = box.auth.downscope_token(
        ["item_preview"], resource=f"https://api.box.com/2.0/files/{file.id}", network_session=box.network
    )
    auth = box.sdk.BoxDeveloperTokenAuth(token.access_token)
    narrow = box.sdk.BoxClient(auth, network_session=box.network)
    expect(narrow.files.get_file_by_id(file.id).id, file.id)
    expect_error(box.error, 403, lambda: narrow.files.update_file_by_id(file.id, name="wider"))


@scenario("is told what is not there, and what is not emulated")
def refusals(box):
    expect_error(box.error, 404, lambda: box.client.files.get_file_by_id("1"))
    error = expect_error(box.error, 404, lambda: box.client.search.search_for_content(query="words"))
    expect(error.response_info.context_info["errors"][0]["reason"], "not_emulated")


main(connect)
