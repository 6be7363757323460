using System.Net;
using System.Text.Json;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.OpenApi;
using QuorumMesh.Listeners;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Rest;
using QuorumMesh.TxManager.Rest.OpenApi;
using QuorumMesh.TxManager.Rest.P2P;
using QuorumMesh.TxManager.Rest.Q2T;
using QuorumMesh.TxManager.Rest.ThirdParty;

namespace QuorumMesh.TxManager.Rest.Tests;

/// <summary><c>GET /api</c> of each REST application (tessera 0).</summary>
public sealed class OpenApiTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    public static TheoryData<string> Applications => ["Q2T", "P2P", "ThirdParty"];

    [Theory]
    [MemberData(nameof(Applications))]
    public async Task Every_route_stands_in_the_document(string name)
    {
        var (status, type, text) = await GetAsync(name, null);
        Assert.Equal((HttpStatusCode.OK, "application/json"), (status, type));
        var read = OpenApiDocument.Parse(text, "json");
        Assert.Empty(read.Diagnostic!.Errors);
        Assert.Empty(read.Diagnostic.Warnings);
        var document = read.Document!;
        var documented = document.Paths.SelectMany(p => p.Value.Operations!.Select(o => (o.Key.Method, p.Key))).Order();
        Assert.Equal(App(name).Routes.Select(r => (r.Method, r.Template)).Order(), documented);
        Assert.All(document.Paths.Values.SelectMany(p => p.Operations!.Values), operation =>
        {
            Assert.NotEmpty(operation.Summary!);
            Assert.Contains(operation.Responses!, r => r.Key.StartsWith('2'));
            Assert.Contains("default", operation.Responses!.Keys);
        });
        Assert.Empty(document.Servers!);
        Assert.Contains(name, document.Info.Title, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Bodies_parameters_and_answers_are_described()
    {
        var document = OpenApiDocument.Parse((await GetAsync("Q2T", "application/json")).Text, "json").Document!;
        var send = document.Paths["/send"].Operations![HttpMethod.Post];
        Assert.Equal(4, send.RequestBody!.Content!.Count);
        var body = send.RequestBody.Content["application/json"].Schema!;
        string[] members = ["affectedContractTransactions", "execHash", "from", "mandatoryRecipients", "payload", "privacyFlag",
            "privacyGroupId",
            "to"];
        Assert.Equal(members, body.Properties!.Keys.Order());
        Assert.Equal("byte", body.Properties["payload"].Format);
        Assert.Equal(["key", "managedParties", "senderKey"],
            send.Responses!["201"].Content!["application/vnd.tessera-4.0+json"].Schema!.Properties!.Keys.Order());

        var signed = document.Paths["/sendsignedtx"].Operations![HttpMethod.Post].RequestBody!.Content!;
        Assert.Equal("binary", signed["application/octet-stream"].Schema!.Format);
        Assert.Contains("hash", signed["application/json"].Schema!.Properties!.Keys);

        var receive = document.Paths["/transaction/{hash}"].Operations![HttpMethod.Get].Parameters!;
        Assert.Equal([("hash", ParameterLocation.Path, true), ("to", ParameterLocation.Query, false),
            ("isRaw", ParameterLocation.Query, false)],
            receive.Select(p => (p.Name!, p.In!.Value, p.Required)));
    }

    [Fact]
    public async Task Json_or_yaml_and_nothing_else()
    {
        var json = await GetAsync("Q2T", "application/json");
        Assert.StartsWith("3.0", JsonDocument.Parse(json.Text).RootElement.GetProperty("openapi").GetString(), StringComparison.Ordinal);
        Assert.Equal(json, await GetAsync("Q2T", "*/*"));
        Assert.Equal(json, await GetAsync("Q2T", null));
        var yaml = await GetAsync("Q2T", "application/yaml");
        Assert.Equal((HttpStatusCode.OK, "application/yaml"), (yaml.Status, yaml.Type));
        Assert.Contains("\n  /transaction/{hash}:", yaml.Text.ReplaceLineEndings("\n").Replace("'", string.Empty, StringComparison.Ordinal),
            StringComparison.Ordinal);
        Assert.Equal(HttpStatusCode.BadRequest, (await GetAsync("Q2T", "text/html")).Status);
    }

    /// <summary>As the host puts it together, with nothing behind its routes.</summary>
    private static RestApp App(string name)
    {
        var app = new RestApp(name, new RestLimits(1, new ByteBudget(name, 1)), NullLogger.Instance)
            .AddCommonRoutes(new RestDocument(null!, name));
        return name switch
        {
            "Q2T" => new GroupRoutes(null!).AddTo(new EncodedPayloadRoutes(null!, null!).AddTo(new TransactionRoutes(null!).AddTo(
                new SendRoutes(null!, null!).AddTo(
                    new IdentityRoutes(null!, null, null!).AddTo(new ReceiptRoutes(null!, null!).AddTo(app)))))),
            "P2P" => new PartyInfoRoutes(null!, null!, null!, null!, null).AddTo(new PeerRoutes(null!, null!, null!, null).AddTo(app)),
            _ => new KeyRoutes(null!, null!).AddTo(
                new SendRoutes(null!, null!).AddStoreRaw(new IdentityRoutes(null!, null, null!).AddList(app))),
        };
    }

    private async Task<(HttpStatusCode Status, string? Type, string Text)> GetAsync(string name, string? accept)
    {
        var url = name switch { "Q2T" => network.A.Q2T, "P2P" => network.A.P2P, _ => network.A.ThirdParty };
        using var request = new HttpRequestMessage(HttpMethod.Get, url + "api");
        if (accept is not null)
            request.Headers.Add("Accept", accept);
        using var answer = await network.Http.SendAsync(request);
        return (answer.StatusCode, answer.Content.Headers.ContentType?.MediaType, await answer.Content.ReadAsStringAsync());
    }
}
