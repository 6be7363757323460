using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.Groups;
using QuorumMesh.TxManager.Rest.OpenApi;

namespace QuorumMesh.TxManager.Rest.Q2T;

/// <summary>Privacy groups for nodes and their clients (tessera 1.11).</summary>
public sealed class GroupRoutes(PrivacyGroups groups)
{
    /// <summary>Adds the routes.</summary>
    public RestApp AddTo(RestApp app) => app
        .Post(
            "/createPrivacyGroup",
            RouteNote.Of("Makes a privacy group and tells its members' managers").Takes<CreateGroupBody>(ContentForm.Json)
                .Gives<GroupBody>(200, ContentForm.Json),
            CreateAsync)
        .Post(
            "/findPrivacyGroup", RouteNote.Of("The privacy groups of exactly these members").Takes<FindGroupBody>(ContentForm.Json)
                .Gives<GroupBody[]>(200, ContentForm.Json),
            FindAsync)
        .Post(
            "/retrievePrivacyGroup", RouteNote.Of("A privacy group").Takes<GroupIdBody>(ContentForm.Json)
                .Gives<GroupBody>(200, ContentForm.Json),
            RetrieveAsync)
        .Post(
            "/deletePrivacyGroup",
            RouteNote.Of("Deletes a privacy group and tells its members' managers").Takes<GroupIdBody>(ContentForm.Json)
                .Gives<string>(200, ContentForm.Json),
            DeleteAsync)
        .Get("/groups/{type}", RouteNote.Of("The privacy groups of a type").Gives<GroupBody[]>(200, ContentForm.Json), ListAsync);

    private async Task CreateAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        var group = await groups.CreateAsync(
                body.Key("from"), Members(body), body.Text("name") ?? string.Empty, body.Text("description") ?? string.Empty,
                body.Text("seed") is { } seed ? Seed(seed) : null, call.Cancel)
            .ConfigureAwait(false);
        await AnswerAsync(call, group).ConfigureAwait(false);
    }

    private async Task FindAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        await AnswerAsync(call, await groups.FindAsync(Members(body), call.Room, call.Cancel).ConfigureAwait(false))
            .ConfigureAwait(false);
    }

    private async Task RetrieveAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        await AnswerAsync(call, await groups.RetrieveAsync(body.RequiredBytes("privacyGroupId"), call.Cancel).ConfigureAwait(false))
            .ConfigureAwait(false);
    }

    private async Task DeleteAsync(RestCall call)
    {
        var body = await call.JsonBodyAsync().ConfigureAwait(false);
        var group = await groups.DeleteAsync(body.RequiredBytes("privacyGroupId"), body.Key("from"), call.Cancel).ConfigureAwait(false);
        await call.JsonAsync(200, json => json.WriteBase64StringValue(group.Id.Bytes)).ConfigureAwait(false);
    }

    private async Task ListAsync(RestCall call)
    {
        if (!Enum.TryParse<PrivacyGroupType>(call["type"], ignoreCase: true, out var type) || !Enum.IsDefined(type)
            || call["type"].All(char.IsDigit))
            throw new PrivacyException(Failure.BadRequest, "type: must be resident, legacy or pantheon");
        if (type == PrivacyGroupType.Resident)
            throw new PrivacyException(Failure.Busy, "Multiple private state feature is not available on this privacy manager");
        await AnswerAsync(call, await groups.ListAsync(type, call.Room, call.Cancel).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private static IReadOnlyList<PublicKey> Members(JsonBody body) => body.Keys("addresses") is { Count: > 0 } members
        ? members
        : throw new PrivacyException(Failure.BadRequest, "addresses: is required and must not be empty");

    private static byte[] Seed(string text) => text.Length == 0 ? [] : Base64Text.Decode("seed", text);

    private static Task AnswerAsync(RestCall call, PrivacyGroup group) => call.JsonAsync(200, json => Write(json, group));

    private static Task AnswerAsync(RestCall call, IReadOnlyList<PrivacyGroup> found) => call.JsonAsync(200, json =>
    {
        json.WriteStartArray();
        foreach (var group in found)
            Write(json, group);
        json.WriteEndArray();
    });

    private static void Write(System.Text.Json.Utf8JsonWriter json, PrivacyGroup group)
    {
        json.WriteStartObject();
        json.WriteBase64String("privacyGroupId", group.Id.Bytes);
        json.WriteString("name", group.Name);
        json.WriteString("description", group.Description);
        json.WriteString("type", PrivacyGroupCodec.Word(group.Type));
        SendRoutes.WriteKeys(json, "members", group.Members);
        json.WriteEndObject();
    }
}
