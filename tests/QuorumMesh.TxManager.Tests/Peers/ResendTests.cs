using System.Text;
using System.Text.Json;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Payloads;
using QuorumMesh.Outbound;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Core.EnclaveClient;
using QuorumMesh.TxManager.Hosting;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>One payload is given to those who hold its key, and nobody else learns whose it is.</summary>
public sealed class ResendTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    private static readonly string Unknown = Convert.ToBase64String(new byte[64]);

    private async Task<(int Status, string Body, string? Challenge)> AskAsync(string key, string hash, string? proof = null)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, network.A.P2P + "resend");
        request.Content = new StringContent(JsonSerializer.Serialize(new { type = "INDIVIDUAL", publicKey = key, key = hash }),
            Encoding.UTF8, "application/json");
        if (proof is not null)
            request.Headers.Add(RestHeaders.ResendProof, proof);
        using var answer = await network.Http.SendAsync(request);
        return ((int)answer.StatusCode, await answer.Content.ReadAsStringAsync(),
            answer.Headers.TryGetValues(RestHeaders.ResendChallenge, out var values) ? values.Single() : null);
    }

    [Fact]
    public async Task Stranger_gets_one_answer_whatever_the_truth()
    {
        var hash = await network.SendRawAsync(network.A, "for B", network.B);
        string[] keys = [network.A.Key.ToBase64(), network.B.Key.ToBase64(), network.C.Key.ToBase64()];
        var answers = new HashSet<(int, string, int)>();
        foreach (var key in keys)
        {
            foreach (var asked in new[] { hash, Unknown })
            {
                var (status, body, challenge) = await AskAsync(key, asked);
                answers.Add((status, body, challenge!.Length));
                (status, body, challenge) = await AskAsync(key, asked, "a guess");
                answers.Add((status, body, challenge!.Length));
            }
        }

        Assert.Equal(401, Assert.Single(answers).Item1);
    }

    [Fact]
    public async Task Holder_gets_what_it_asks_for()
    {
        var hash = await network.SendRawAsync(network.A, "for B again", network.B);
        var (status, body) = await network.ResendOneAsync(network.A, network.B, hash);
        Assert.Equal(200, status);
        Assert.Equal([network.B.Key], LegacyPayloadCodec.Decode(body).RecipientKeys);
        Assert.Equal(404, (await network.ResendOneAsync(network.A, network.B, Unknown)).Status);
    }

    [Fact]
    public async Task Fetch_gets_back_what_was_lost_and_says_what_cannot_be_had()
    {
        var lost = await network.SendRawAsync(network.A, "lost at B", network.B);
        using var deleted = await network.Http.DeleteAsync($"{network.B.Q2T}transaction/{TestNetwork.Escape(lost)}");
        Assert.Equal(204, (int)deleted.StatusCode);
        Assert.Equal((0, $"{lost} is stored"), await FetchAsync(network.B, network.A.P2P.TrimEnd('/'), lost));
        using var received = await network.ReceiveRawAsync(network.B, lost);
        Assert.Equal("lost at B", await received.Content.ReadAsStringAsync());

        var (code, text) = await FetchAsync(network.C, network.A.P2P, lost);
        Assert.Equal(1, code);
        Assert.Contains("is not a recipient", text, StringComparison.Ordinal);
        (code, text) = await FetchAsync(network.B, network.A.P2P.Replace("127.0.0.1", "localhost", StringComparison.Ordinal), lost);
        Assert.Equal(1, code);
        Assert.Contains("another manager", text, StringComparison.Ordinal);
        (code, text) = await FetchAsync(network.B, $"http://127.0.0.1:{Participant.FreePort()}", lost);
        Assert.Equal(1, code);
        Assert.Contains("Connection error", text, StringComparison.Ordinal);
        await Assert.ThrowsAsync<OptionsException>(() => FetchAsync(network.B, "nowhere", lost));
        await Assert.ThrowsAsync<OptionsException>(() => FetchAsync(network.B, network.A.P2P, "AQ=="));
    }

    private static async Task<(int Code, string Text)> FetchAsync(Participant at, string from, string hash)
    {
        using var output = new StringWriter();
        var code = await PayloadFetchRun.RunAsync(ManagerConfig.Read(new CommandLineSettings(at.ConfigFile, [])), from, [hash], output,
            default);
        return (code, output.ToString().Trim());
    }

    [Fact]
    public async Task Proof_is_good_for_its_own_question_and_no_manager_gives_it_to_a_stranger()
    {
        var hash = await network.SendRawAsync(network.A, "for B too", network.B);
        (_, _, string? challenge) = await AskAsync(network.B.Key.ToBase64(), Unknown);
        using var enclave = new GrpcEnclave("unix:" + network.B.EnclaveSocket, Wait.Limit, new OutboundHandlers());
        var text = Encoding.UTF8.GetString(
            (await enclave.OpenAsync(LegacyPayloadCodec.Decode(Convert.FromBase64String(challenge!)), network.B.Key, default)).Payload);
        Assert.Equal(404, (await AskAsync(network.B.Key.ToBase64(), Unknown, text)).Status);
        Assert.Equal(401, (await AskAsync(network.B.Key.ToBase64(), hash, text)).Status);

        var (status, answer) = await network.PostBytesAsync(network.B.P2P + "partyinfo/validate", Convert.FromBase64String(challenge!));
        Assert.Equal(400, status);
        Assert.DoesNotContain(text, answer, StringComparison.Ordinal);
    }
}

public sealed class NetworkWithTessera() : TestNetwork(false)
{
    private protected override bool TesseraPeers => true;
}

/// <summary>With Tessera's peers Tessera's form, in its words (p2p.json, resend-individual).</summary>
public sealed class OpenResendTests(NetworkWithTessera network) : IClassFixture<NetworkWithTessera>
{
    [Fact]
    public async Task Anyone_is_answered_as_Tessera_does()
    {
        var hash = await network.SendRawAsync(network.A, "open", network.B);
        Task<(int Status, string Body)> Ask(Participant holder, string asked) => network.PostJsonAsync(
            network.A.P2P
                + "resend", JsonSerializer.Serialize(new { type = "INDIVIDUAL", publicKey = holder.Key.ToBase64(), key = asked }));
        Assert.Equal(200, (await Ask(network.B, hash)).Status);
        Assert.Equal((500, $"Recipient {network.C.Key.ToBase64()} is not a recipient of transaction "), await Ask(network.C, hash));
        var unknown = Convert.ToBase64String(new byte[64]);
        Assert.Equal((404, $"Message with hash {unknown} was not found"), await Ask(network.B, unknown));
    }
}
