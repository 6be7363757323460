using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using Microsoft.Extensions.Time.Testing;
using QuorumMesh.Tests;

namespace QuorumMesh.Tls.Tests;

/// <summary>What real Tesseras let in and called, certificate by certificate and mode by mode: tls.json of the vectors.</summary>
public sealed class RecordedTrustTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly FakeTimeProvider _clock = new(new DateTimeOffset(2026, 11, 29, 12, 0, 0, TimeSpan.Zero));
    private readonly TlsMaterials _materials;

    public RecordedTrustTests() => _materials = new TlsMaterials(_clock);

    public void Dispose()
    {
        _materials.Dispose();
        _directory.Dispose();
    }

    [VectorFact]
    public void Clients_are_let_in_as_by_Tesseras_servers()
    {
        using var recorded = Recorded();
        var compared = 0;
        foreach (var server in recorded.RootElement.GetProperty("server").EnumerateArray())
        {
            var mode = server.GetProperty("serverTrustMode").GetString()!;
            var isListOfOne = server.GetProperty("setup").GetString()!.Contains("list has only", StringComparison.Ordinal);
            var trust = Trust(recorded, mode, isListOfOne ? ["listed"] : Listed(server));
            foreach (var client in server.GetProperty("byClientCertificate").EnumerateObject().Where(c => c.Name != "(none)"))
            {
                // Without clientAuth no certificate is asked for, and whatever a client has is not looked at.
                if (!server.GetProperty("clientAuth").GetBoolean()) continue;
                using var certificate = Certificate(recorded, client.Name);
                var why = trust.Refuse(certificate, [], PeerRole.Client);
                foreach (var version in client.Value.EnumerateObject())
                    Assert.True(version.Value.GetString()!.StartsWith("200", StringComparison.Ordinal) == why is null,
                        $"{mode}, {client.Name}, {version.Name}: Tessera {version.Value}, ours {why ?? "lets it in"}");
                compared++;
            }
        }
        Assert.True(compared > 150);
    }

    [VectorFact]
    public void Servers_are_called_as_by_Tesseras_clients()
    {
        using var recorded = Recorded();
        var client = recorded.RootElement.GetProperty("client");
        var servers = client.GetProperty("servers");
        var compared = 0;
        foreach (var mode in client.GetProperty("byMode").EnumerateObject())
        {
            var trust = Trust(recorded, mode.Name, ListedServers(mode.Value));
            var link = new TlsClient("test", null, trust);
            // Where two share a CN the order decides, and there self2 came first.
            foreach (var seen in mode.Value.EnumerateObject().OrderBy(s => s.Name == "self2" ? 0 : 1))
            {
                var server = servers.GetProperty(seen.Name);
                var url = server.GetProperty("url").GetString()!;
                if (server.GetProperty("certificate").GetString() is not { } name || !url.StartsWith("https", StringComparison.Ordinal))
                    continue;
                using var certificate = Certificate(recorded, name);
                var why = link.Refuse(certificate, [], new Uri(url.Replace("PORT", "1", StringComparison.Ordinal)).Host);
                Assert.True(seen.Value.GetString() == "OK" == why is null,
                    $"{mode.Name}, {seen.Name}: Tessera {seen.Value}, ours {why ?? "calls it"}");
                compared++;
            }
        }
        Assert.True(compared > 120);
    }

    [VectorFact]
    public void Lines_of_known_servers_are_those_that_Tessera_wrote()
    {
        using var recorded = Recorded();
        var lines = recorded.RootElement.GetProperty("knownHosts").GetProperty("TOFU client against the fake servers")
            .EnumerateArray().Select(l => l.GetString()!).Where(l => l.Length > 0).ToHashSet();
        foreach (var name in recorded.RootElement.GetProperty("certificates").EnumerateObject().Select(c => c.Name))
        {
            using var certificate = Certificate(recorded, name);
            var (own, fingerprint) = (KnownPeers.NameOf(certificate), KnownPeers.FingerprintOf(certificate));
            Assert.Equal(recorded.RootElement.GetProperty("certificates").GetProperty(name).GetProperty("sha1").GetString(), fingerprint);
            if (lines.SingleOrDefault(l => l.EndsWith(fingerprint, StringComparison.Ordinal)) is not { } line) continue;
            // A CN with spaces does not survive Tessera's file; ours does, and ends no word of it.
            Assert.Equal(line, $"{own.Replace("%20", " ", StringComparison.Ordinal)} {fingerprint}");
            Assert.Equal(2, $"{own} {fingerprint}".Split(' ').Length);
        }
    }

    private static JsonDocument Recorded() => JsonDocument.Parse(File.ReadAllBytes(Vectors.Path("tessera/tls.json")));

    private static X509Certificate2 Certificate(JsonDocument recorded, string name) =>
        X509Certificate2.CreateFromPem(recorded.RootElement.GetProperty("certificates").GetProperty(name).GetProperty("pem").GetString()!);

    private PeerTrust Trust(JsonDocument recorded, string mode, IEnumerable<string> listed)
    {
        var ca = _directory.Write("ca.crt",
            recorded.RootElement.GetProperty("certificates").GetProperty("ca1").GetProperty("pem").GetString()!);
        var list = Path.Combine(_directory.Path, Guid.NewGuid().ToString("N"));
        if (mode == "WHITELIST")
            File.WriteAllLines(list, listed.Select(name =>
            {
                using var certificate = Certificate(recorded, name);
                return $"{KnownPeers.NameOf(certificate)} {KnownPeers.FingerprintOf(certificate)}";
            }));
        var authorities = _materials.Authorities("ca", [ca]);
        return mode switch
        {
            "CA" => authorities,
            "WHITELIST" => new KnownPeersTrust(_materials.Known("list", list, mustExist: true), takesNew: false),
            "TOFU" => new KnownPeersTrust(_materials.Known("list", list, mustExist: false), takesNew: true),
            "CA_OR_TOFU" => new KnownPeersTrust(_materials.Known("list", list, mustExist: false), takesNew: true, authorities),
            _ => new AnyPeerTrust(),
        };
    }

    /// <summary>The list of the recording is not in it: those that were let in by it are on it.</summary>
    private static IEnumerable<string> Listed(JsonElement server) => server.GetProperty("byClientCertificate").EnumerateObject()
        .Where(c => c.Value.GetProperty("tls13").GetString() == "200").Select(c => c.Name);

    private static IEnumerable<string> ListedServers(JsonElement mode) =>
        mode.EnumerateObject().Select(s => s.Name).Where(n => n.StartsWith("listed", StringComparison.Ordinal) && n != "listed-imposter");
}
