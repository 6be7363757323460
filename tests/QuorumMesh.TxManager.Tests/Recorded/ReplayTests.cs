using System.Text.Json;
using QuorumMesh.Contracts.Payloads;

namespace QuorumMesh.TxManager.Tests.Recorded;

/// <summary>
/// What a real Tessera 21.1.1 was asked and answered (vectors tessera), asked of ours in the same order. <see cref="IntendedDifferences"/>
/// lists every exchange that may differ, with its reason; any other difference fails, and so does an entry that no longer differs.
/// </summary>
public sealed class ReplayTests(Xunit.Abstractions.ITestOutputHelper output)
{
    /// <summary>Exchanges during which nothing listens at the recorder's peer.</summary>
    private static readonly string[] PeerDown = ["send-f-down", "partyinfo-after-down", "send-f-down-again", "sendraw-f-down"];

    /// <summary>Exchanges in which the recorder's peer has given up its key.</summary>
    private static readonly string[] PeerWithoutKey = ["partyinfo-post-no-keys", "partyinfo-after-no-keys"];

    [QuorumMesh.Tests.VectorFact]
    public async Task Q2t_and_p2p_answer_as_recorded()
    {
        var q2t = JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/q2t.json")).RootElement;
        var p2p = JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/p2p.json")).RootElement;
        await using var network = new ReplayNetwork(p2p);
        await network.StartAsync();
        var problems = new List<string>();
        foreach (var (group, recorded) in new[] { ("q2t", q2t), ("p2p", p2p) })
        {
            foreach (var exchange in RecordedExchange.List(recorded.GetProperty("exchanges")))
            {
                network.PeerIsUp = !PeerDown.Contains(exchange.Id);
                network.PeerHasKey = !PeerWithoutKey.Contains(exchange.Id);
                network.Proxy("B").IsDown = exchange.Id == "send-b-down";
                var difference = await network.PlayAsync(exchange);
                problems.AddRange(IntendedDifferences.Judge(group, exchange.Id, difference));
            }
        }

        foreach (var problem in problems)
            output.WriteLine(problem);
        Assert.Empty(problems);
    }

    [QuorumMesh.Tests.VectorFact]
    public async Task Privacy_groups_are_as_recorded()
    {
        var recorded = JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/privacy-groups.json")).RootElement;
        await using var network = new ReplayNetwork(recorded, "202");
        await network.StartAsync();
        var problems = new List<string>();
        foreach (var exchange in RecordedExchange.List(recorded.GetProperty("exchanges")))
            problems.AddRange(IntendedDifferences.Judge("groups", exchange.Id, await network.PlayAsync(exchange)));
        foreach (var problem in problems)
            output.WriteLine(problem);
        Assert.Empty(problems);
    }

    /// <summary>A manager that lost its database, and runs as Tessera's recovery mode, gets back what it had to do with us.</summary>
    [QuorumMesh.Tests.VectorTheory]
    [InlineData(true, """{"total":3}""")]
    [InlineData(false, "{}")]
    public async Task Manager_in_recovery_gets_its_payloads_in_batches(bool isBesideTesseras, string said)
    {
        var p2p = JsonDocument.Parse(QuorumMesh.Tests.Vectors.ReadText("tessera/p2p.json")).RootElement;
        var key = p2p.GetProperty("recorderPeer").GetProperty("publicKey").GetString()!;
        await using var network = new ReplayNetwork(p2p) { IsBesideTesseras = isBesideTesseras };
        await network.StartAsync();
        var announces = RecordedExchange.List(p2p.GetProperty("exchanges")).Single(e => e.Id == "partyinfo-post-new");
        await network.PlayAsync(announces);
        for (var i = 0; i < 3; i++)
        {
            var sent = await network.SendAsync("Q2T", "A", Json("/send", $$"""{"payload":"AAE{{i}}","to":["{{key}}"]}"""));
            Assert.Equal(201, sent.Status);
        }

        var answer = await network.SendAsync("P2P", "A", Json("/resendBatch", $$"""{"publicKey":"{{key}}","batchSize":2}"""));
        Assert.Equal((200, said), (answer.Status, answer.Text));
        foreach (var path in new[] { "/resend", "/resendBatch" })
            Assert.Equal(413, (await network.SendAsync("P2P", "A", Json(path, new string(' ', 64 * 1024) + "{}"))).Status);
        int[] sizes =
        [
            .. network.Seen.Where(s => s.Path == "/pushBatch").Select(s =>
            {
                var payloads = JsonDocument.Parse(s.Body).RootElement.GetProperty("encodedPayloads").EnumerateArray().ToList();
                Assert.All(payloads, p =>
                    Assert.Equal(key, Assert.Single(LegacyPayloadCodec.Decode(p.GetBytesFromBase64()).RecipientKeys).ToBase64()));
                return payloads.Count;
            }),
        ];
        Assert.Equal([2, 1], sizes);
    }

    private static RecordedRequest Json(string path, string body) =>
        new("POST", path, [("Content-Type", "application/json")], System.Text.Encoding.UTF8.GetBytes(body));
}
