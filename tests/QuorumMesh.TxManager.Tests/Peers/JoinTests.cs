using System.Net;
using System.Net.Sockets;
using System.Text.Json;
using QuorumMesh.Contracts.Parties;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>Tessera's join is one-sided: the newcomer lists one of us, and nobody lists the newcomer.</summary>
public sealed class JoinTests(TestNetwork network) : IClassFixture<TestNetwork>
{
    [Fact]
    public async Task Newcomer_that_lists_one_manager_is_known_by_all_and_knows_all()
    {
        var directory = Path.Combine(Path.GetTempPath(), "qmjoin" + Guid.NewGuid().ToString("N")[..10]);
        var newcomer = new Participant(directory, null);
        newcomer.WriteConfig([network.A.P2P], validateKeys: false, database: null);
        try
        {
            await newcomer.StartEnclaveAsync();
            await newcomer.StartManagerAsync();
            Participant[] all = [.. network.All, newcomer];
            await Wait.UntilAsync(async () =>
            {
                var known = await Task.WhenAll(all.Select(p => network.Http.GetStringAsync(p.ThirdParty + "partyinfo/keys")));
                return known.All(k => all.All(p => k.Contains(p.Key.ToBase64(), StringComparison.Ordinal)));
            }, "all four know each other");

            var hash = await network.SendRawAsync(network.C, "to the newcomer", newcomer);
            using var received = await network.ReceiveRawAsync(newcomer, hash);
            Assert.Equal("to the newcomer", await received.Content.ReadAsStringAsync());
            await network.SendRawAsync(newcomer, "from the newcomer", network.B, network.C);
        }
        finally
        {
            await newcomer.StopManagerAsync();
            await newcomer.StopEnclaveAsync();
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>Between two real managers: a stranger claims B's key at his own URL and hands the challenge on to B.</summary>
    [Fact]
    public async Task Stranger_that_hands_the_challenge_on_does_not_become_the_recipient()
    {
        using var stranger = new TcpListener(IPAddress.Loopback, 0);
        stranger.Start();
        var url = $"http://{stranger.LocalEndpoint}/";
        var handOn = HandOnAsync(stranger, network.B.P2P);
        var claim = PartyInfoCodec.Encode(new PartyInfo(url, [new(network.B.Key, url)], [url]));
        var (status, _) = await network.PostBytesAsync(network.A.P2P + "partyinfo", claim);
        await handOn.WaitAsync(Wait.Limit);
        Assert.Equal(500, status);

        var (_, json) = await network.GetAsync(network.A.P2P + "partyinfo");
        var known = JsonDocument.Parse(json).RootElement.GetProperty("keys").EnumerateArray()
            .Single(k => k.GetProperty("key").GetString() == network.B.Key.ToBase64());
        Assert.Equal(network.B.P2P, known.GetProperty("url").GetString());
        Assert.Contains("quorummesh_txmanager_refused_party_infos", (await network.GetAsync(network.A.Health + "metrics")).Body,
            StringComparison.Ordinal);
    }

    private async Task HandOnAsync(TcpListener listener, string to)
    {
        using var connection = await listener.AcceptTcpClientAsync();
        var stream = connection.GetStream();
        var request = new List<byte>();
        var buffer = new byte[8192];
        int end;
        while ((end = request.ToArray().AsSpan().IndexOf("\r\n\r\n"u8)) < 0 || request.Count < end + 4 + Length(request, end))
        {
            var read = await stream.ReadAsync(buffer);
            Assert.True(read > 0);
            request.AddRange(buffer.AsSpan(0, read));
        }

        var (status, text) = await network.PostBytesAsync(to + "partyinfo/validate", [.. request.Skip(end + 4)]);
        Assert.Equal(400, status);
        await stream.WriteAsync(System.Text.Encoding.ASCII.GetBytes($"HTTP/1.1 200 OK\r\nContent-Length: {text.Length}\r\n\r\n{text}"));
    }

    private static int Length(List<byte> request, int end) => int.Parse(
        System.Text.Encoding.ASCII.GetString([.. request.Take(end)]).Split("\r\n")
            .Single(l => l.StartsWith("Content-Length:", StringComparison.OrdinalIgnoreCase)).Split(':')[1],
                System.Globalization.CultureInfo.InvariantCulture);
}
