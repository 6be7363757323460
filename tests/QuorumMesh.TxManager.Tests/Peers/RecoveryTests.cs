using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Hosting;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>A manager that lost payloads, all of them or some, gets back what the others have (<c>--recover</c>).</summary>
public sealed class RecoveryTests(TestNetwork network) : IClassFixture<TestNetwork>, IAsyncLifetime
{
    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        foreach (var participant in network.All)
        {
            await participant.StopManagerAsync();
            await participant.StartManagerAsync();
        }

        await network.WaitForMeshAsync();
    }

    [Fact]
    public async Task A_lost_database_comes_back_from_the_others()
    {
        var sent = await SendAllWaysAsync();
        var alone = await network.SendRawAsync(network.A, "for nobody else");
        await LoseDatabaseAsync(network.A);

        Assert.Equal(0, await RecoverAsync(network.A));
        await network.A.StartManagerAsync();
        foreach (var (hash, text) in sent)
            Assert.Equal(text, await ReadAsync(network.A, hash));
        // Nobody else has it.
        using var lost = await network.ReceiveRawAsync(network.A, alone);
        Assert.Equal(404, (int)lost.StatusCode);
        var own = sent.Single(s => s.Text == "a to b and c").Hash;
        Assert.Equal((200, "true"), await network.GetAsync($"{network.A.Q2T}transaction/{TestNetwork.Escape(own)}/isSender"));
        var (_, participants) = await network.GetAsync($"{network.A.Q2T}transaction/{TestNetwork.Escape(own)}/participants");
        Assert.Equal(
            network.All.Select(p => p.Key.ToBase64()).Order(StringComparer.Ordinal), participants.Split(',').Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_database_that_lost_some_gets_those_and_keeps_the_rest()
    {
        var sent = await SendAllWaysAsync();
        var alone = await network.SendRawAsync(network.A, "for nobody else");
        foreach (var (hash, _) in sent.Take(2))
        {
            using var deleted = await network.Http.DeleteAsync($"{network.A.Q2T}transaction/{TestNetwork.Escape(hash)}");
            Assert.Equal(204, (int)deleted.StatusCode);
        }

        await network.A.StopManagerAsync();
        Assert.Equal(0, await RecoverAsync(network.A));
        // Once more, with nothing lost.
        Assert.Equal(0, await RecoverAsync(network.A));
        await network.A.StartManagerAsync();
        foreach (var (hash, text) in sent.Append((alone, "for nobody else")))
            Assert.Equal(text, await ReadAsync(network.A, hash));
    }

    [Fact]
    public async Task Exit_code_tells_whether_all_some_or_none_could_be_asked()
    {
        var hash = await network.SendRawAsync(network.B, "from b", network.A);
        await LoseDatabaseAsync(network.A);
        await network.C.StopManagerAsync();
        Assert.Equal(1, await RecoverAsync(network.A));
        await network.B.StopManagerAsync();
        Assert.Equal(2, await RecoverAsync(network.A, TimeSpan.FromMilliseconds(100)));
        await network.A.StartManagerAsync();
        Assert.Equal("from b", await ReadAsync(network.A, hash));
    }

    [Fact]
    public async Task A_recovery_that_cannot_start_is_no_part_of_one() =>
        Assert.Equal(2, await RecoveryRun.RunAsync(
            () => ManagerConfig.Read(new CommandLineSettings(network.A.ConfigFile + ".none", [])), default));

    [Fact]
    public async Task While_it_recovers_only_what_recovery_needs_is_served()
    {
        await network.A.StopManagerAsync();
        await network.A.StartManagerAsync(
            change: options => options with { Recovers = true, Servers = [.. options.Servers.Where(s => s.Kind == AppKind.P2P)] });
        var p2p = network.A.P2P;
        Assert.Equal((200, "I'm up!"), await network.GetAsync(p2p + "upcheck"));
        foreach (var path in new[] { "resend", "resendBatch", "pushPrivacyGroup" })
            Assert.Equal(404, (await network.PostJsonAsync(p2p + path, "{}")).Status);
        Assert.Equal(400, (await network.PostJsonAsync(p2p + "pushBatch", "{}")).Status);
        Assert.Equal(400, (await network.PostJsonAsync(p2p + "pushBatch", """{"encodedPayloads":["*"]}""")).Status);
        Assert.Equal(500, (await network.PostJsonAsync(p2p + "pushBatch", """{"encodedPayloads":["AAAA"]}""")).Status);
        Assert.Equal((200, ""), await network.PostJsonAsync(p2p + "pushBatch", """{"encodedPayloads":[]}"""));

        var enhanced = LegacyPayloadCodec.Encode(new EncodedPayload
        {
            SenderKey = network.B.Key,
            CipherText = new byte[20],
            CipherTextNonce = new byte[24],
            RecipientBoxes = [new byte[48]],
            RecipientNonce = new byte[24],
            RecipientKeys = [network.A.Key],
            PrivacyMode = PrivacyMode.PartyProtection,
        });
        Assert.Equal(
            (403, "Transactions with enhanced privacy are not accepted during recovery mode"),
            await network.PostBytesAsync(p2p + "push", enhanced));
        // What cannot be stored holds up none of the others.
        var none = Convert.ToBase64String(enhanced);
        Assert.Equal(200, (await network.PostJsonAsync(p2p + "pushBatch", $$"""{"encodedPayloads":["{{none}}"]}""")).Status);
        await Assert.ThrowsAsync<HttpRequestException>(() => network.GetAsync(network.A.Q2T + "upcheck"));
    }

    private async Task<IReadOnlyList<(string Hash, string Text)>> SendAllWaysAsync() =>
    [
        (await network.SendRawAsync(network.A, "a to b", network.B), "a to b"),
        (await network.SendRawAsync(network.B, "b to a", network.A), "b to a"),
        (await network.SendRawAsync(network.A, "a to b and c", network.B, network.C), "a to b and c"),
        (await network.SendRawAsync(network.C, "c to a and b", network.A, network.B), "c to a and b"),
    ];

    private async Task<string> ReadAsync(Participant at, string hash)
    {
        using var answer = await network.ReceiveRawAsync(at, hash);
        return await answer.Content.ReadAsStringAsync();
    }

    private static async Task LoseDatabaseAsync(Participant participant)
    {
        await participant.StopManagerAsync();
        foreach (var suffix in new[] { "", "-wal", "-shm" })
            File.Delete(participant.Database + suffix);
    }

    private static Task<int> RecoverAsync(Participant at, TimeSpan? peerWait = null) => RecoveryRun.RunAsync(
        () => ManagerConfig.Read(new CommandLineSettings(at.ConfigFile, [])) with { RecoveryPeerWait = peerWait ?? Wait.Limit / 4 },
        default);
}
