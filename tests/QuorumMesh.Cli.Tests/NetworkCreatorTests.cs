using System.Security.Cryptography.X509Certificates;
using System.Text.Json;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Istanbul;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Cli.Network;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Cli.Tests;

public sealed class NetworkCreatorTests : IDisposable
{
    private readonly string _temp = Directory.CreateTempSubdirectory("qm-").FullName;

    public void Dispose() => Directory.Delete(_temp, recursive: true);

    [Fact]
    public void Writes_what_three_participants_need()
    {
        var network = NetworkCreator.Create(Request());
        Assert.Equal(["A", "B", "C"], network.Participants.Select(p => p.Name));
        Assert.Equal([1, 2, 3], network.Participants.Select(p => p.RaftId));
        foreach (var participant in network.Participants)
        {
            foreach (var file in new[] { "node/nodekey", "node/static-nodes.json", "node/password", "tm/tm.json", "enclave/enclave.json",
                "enclave/tm.key", "enclave/tm.pub" })
                Assert.True(File.Exists(Path.Combine(participant.Directory, file)), $"{participant.Name}/{file}");
            Assert.Single(Directory.GetFiles(Path.Combine(participant.Directory, "node", "keystore")));
            Assert.Equal(32, Convert.FromBase64String(participant.TxManagerKey).Length);
            var members = JsonSerializer.Deserialize<string[]>(
                File.ReadAllText(Path.Combine(participant.Directory, "node/static-nodes.json")));
            Assert.Equal(network.Participants.Select(p => p.Enode), members);
        }
        var again = NetworkDefinition.Load(_temp);
        Assert.Equal(network.Participants, again.Participants);
        Assert.DoesNotContain("profile", File.ReadAllText(Path.Combine(_temp, NetworkDefinition.FileName)), StringComparison.Ordinal);
    }

    [Fact]
    public void Secrets_are_for_their_owner_alone()
    {
        foreach (var participant in NetworkCreator.Create(Request()).Participants)
        {
            var secrets = new[] { "node/nodekey", "node/password", "enclave/tm.key" }.Select(f => Path.Combine(participant.Directory, f))
                .Concat(Directory.GetFiles(Path.Combine(participant.Directory, "node", "keystore")));
            foreach (var file in secrets)
                Assert.Equal((file, UnixFileMode.UserRead | UnixFileMode.UserWrite), (file, File.GetUnixFileMode(file)));
        }
        foreach (var entry in new DirectoryInfo(_temp).EnumerateFileSystemInfos("*", SearchOption.AllDirectories))
            Assert.Equal((entry.FullName, "0"), (entry.FullName, Convert.ToString((int)entry.UnixFileMode & 0b111_111, 8)));
    }

    /// <summary>A port there may be taken by any outgoing connection just when the service starts.</summary>
    [Fact]
    public void No_default_port_is_one_that_linux_gives_to_outgoing_connections()
    {
        var ports = Enumerable.Range(0, ParticipantPorts.MaxParticipants).SelectMany(i => new ParticipantPorts(i, 0).All);
        Assert.All(ports, p => Assert.InRange(p, 1024, ParticipantPorts.FirstLocalPort - 1));
        var participants = ParticipantPorts.MaxParticipants;
        var last = new ParticipantPorts(participants - 1, ParticipantPorts.SafeOffset(participants));
        Assert.Equal(ParticipantPorts.FirstLocalPort - 1, last.All.Max());
    }

    [Fact]
    public void The_private_guard_is_written_for_all_members()
    {
        Assert.Null(NetworkCreator.Create(Request() with { Directory = Path.Combine(_temp, "unsaid") }).PrivateGuard);
        NetworkCreator.Create(Request() with { Directory = Path.Combine(_temp, "guarded"), PrivateGuard = "refuse" });
        Assert.Equal("refuse", NetworkDefinition.Load(Path.Combine(_temp, "guarded")).PrivateGuard);
        var file = Path.Combine(_temp, "guarded", NetworkDefinition.FileName);
        File.WriteAllText(file, File.ReadAllText(file).Replace("\"refuse\"", "\"loudly\"", StringComparison.Ordinal));
        Assert.Contains("use warn, refuse or off",
            Assert.Throws<CommandException>(() => NetworkDefinition.Load(Path.Combine(_temp, "guarded"))).Message,
            StringComparison.Ordinal);
        Assert.Throws<CommandException>(
            () => NetworkCreator.Create(Request() with { Directory = Path.Combine(_temp, "wrong"), PrivateGuard = "loudly" }));
    }

    [Fact]
    public void Q2t_is_on_the_socket_alone_unless_http_is_asked_for()
    {
        var closed = NetworkCreator.Create(Request() with { Directory = Path.Combine(_temp, "closed"), Participants = 1 }).Participants[0];
        Assert.Null(closed.Q2t);
        Assert.DoesNotContain("\"q2t\"", File.ReadAllText(Path.Combine(_temp, "closed", NetworkDefinition.FileName)),
            StringComparison.Ordinal);
        Assert.Equal([$"unix:{closed.Q2tSocket}"], Q2tServers(closed));
        var open = NetworkCreator.Create(Request() with { Directory = Path.Combine(_temp, "open"), Participants = 1, Q2tHttp = true })
            .Participants[0];
        Assert.Equal("http://127.0.0.1:9281", open.Q2t);
        Assert.Equal([$"unix:{open.Q2tSocket}", open.Q2t], Q2tServers(open));
        Assert.Equal(open, NetworkDefinition.Load(Path.Combine(_temp, "open")).Participants[0]);

        static IEnumerable<string?> Q2tServers(Participant participant)
        {
            using var config = JsonDocument.Parse(File.ReadAllText(Path.Combine(participant.Directory, "tm", "tm.json")));
            return [.. config.RootElement.GetProperty("serverConfigs").EnumerateArray()
                .Where(s => s.GetProperty("app").GetString() == "Q2T").Select(s => s.GetProperty("serverAddress").GetString())];
        }
    }

    [Fact]
    public void Members_talk_over_TLS_unless_plain_text_is_asked_for()
    {
        var network = NetworkCreator.Create(Request() with { Directory = Path.Combine(_temp, "tls") });
        Assert.Equal("require", network.Tls);
        Assert.Equal("require", NetworkDefinition.Load(Path.Combine(_temp, "tls")).Tls);
        foreach (var participant in network.Participants)
        {
            Assert.StartsWith("https://", participant.P2p, StringComparison.Ordinal);
            var ssl = P2p(participant).GetProperty("sslConfig");
            Assert.Equal("STRICT", ssl.GetProperty("tls").GetString());
            foreach (var side in new[] { "server", "client" })
            {
                Assert.Equal("CA", ssl.GetProperty(side + "TrustMode").GetString());
                Assert.True(File.Exists(ssl.GetProperty(side + "TlsKeyPath").GetString()));
            }
        }
        var plain = NetworkCreator.Create(Request() with { Directory = Path.Combine(_temp, "plain"), Insecure = true });
        Assert.Null(plain.Tls);
        Assert.StartsWith("http://", plain.Participants[0].P2p, StringComparison.Ordinal);
        Assert.False(P2p(plain.Participants[0]).TryGetProperty("sslConfig", out _));

        static JsonElement P2p(Participant participant)
        {
            using var config = JsonDocument.Parse(File.ReadAllText(Path.Combine(participant.Directory, "tm", "tm.json")));
            return config.RootElement.Clone().GetProperty("serverConfigs").EnumerateArray()
                .Single(s => s.GetProperty("app").GetString() == "P2P");
        }
    }

    /// <summary>They speak plain text on the Raft port.</summary>
    [Theory]
    [InlineData("constantinople", null, "prefer")]
    [InlineData("istanbul", "21", "prefer")]
    [InlineData("cancun", null, "require")]
    public void Networks_that_GoQuorums_can_read_let_them_join(string fork, string? profile, string tls) => Assert.Equal(tls,
        NetworkCreator.Create(Request() with { Participants = 1, Fork = fork, Profile = profile }).Tls);

    [Fact]
    public void Certificates_that_end_soon_are_issued_anew_by_the_networks_authority()
    {
        var network = NetworkCreator.Create(Request() with { Participants = 2 });
        var certificate = Path.Combine(network.Participants[1].Directory, "tls", "txmanager.crt");
        var before = File.ReadAllText(certificate);
        Assert.Equal(0, NetworkCertificates.Renew(_temp, network, DateTimeOffset.UtcNow));
        Assert.Equal(6, NetworkCertificates.Renew(_temp, network, DateTimeOffset.UtcNow.AddDays(340)));
        Assert.NotEqual(before, File.ReadAllText(certificate));
        using var renewed = X509Certificate2.CreateFromPemFile(certificate, Path.ChangeExtension(certificate, ".key"));
        Assert.True(renewed.NotAfter > DateTime.Now.AddDays(600));
        File.Delete(Path.Combine(_temp, "ca", "ca.key"));
        var lastDay = new DateTimeOffset(renewed.NotAfter.ToUniversalTime()).AddDays(-1);
        Assert.Equal(0, NetworkCertificates.Renew(_temp, network, lastDay));
        Assert.Contains("cannot be used", Assert.Throws<CommandException>(
            () => NetworkCertificates.Renew(_temp, network, lastDay.AddDays(31))).Message, StringComparison.Ordinal);
    }

    /// <summary>Keys and enode URLs can be copied out of the files as they stand.</summary>
    [Fact]
    public void Nothing_that_people_copy_is_escaped()
    {
        var network = NetworkCreator.Create(Request());
        var text = File.ReadAllText(Path.Combine(_temp, NetworkDefinition.FileName));
        Assert.All(network.Participants, p => Assert.Contains($"\"{p.TxManagerKey}\"", text, StringComparison.Ordinal));
        Assert.Contains(network.Participants[0].Enode,
            File.ReadAllText(Path.Combine(network.Participants[0].Directory, "node/static-nodes.json")), StringComparison.Ordinal);
    }

    [Fact]
    public void Every_port_is_used_once_and_moves_with_the_offset()
    {
        var ports = Enumerable.Range(0, ParticipantPorts.MaxParticipants).SelectMany(i => new ParticipantPorts(i, 0).All).ToList();
        Assert.Equal(ports.Count, ports.Distinct().Count());
        Assert.All(Enumerable.Range(0, ParticipantPorts.MaxParticipants)
            .SelectMany(i => new ParticipantPorts(i, ParticipantPorts.MaxOffset).All), p => Assert.InRange(p, 1, 65535));
        Assert.Contains(":22100", NetworkCreator.Create(Request() with { PortOffset = 100 }).Participants[0].Rpc, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("byzantium")]
    [InlineData("constantinople")]
    [InlineData("Berlin")]
    [InlineData("cancun")]
    public void The_genesis_is_one_that_the_node_reads(string fork)
    {
        NetworkCreator.Create(Request() with { Participants = 1, Fork = fork, ChainId = 1337 });
        var genesis = GenesisFile.Parse(File.ReadAllText(Path.Combine(_temp, "genesis.json")));
        Assert.Equal(1337u, (uint)genesis.Config.ChainId);
        Assert.True(genesis.Config.IsQuorum);
        Assert.Equal(EngineKind.Raft, genesis.Config.Engine);
        var profile = CompatibilityProfile.DefaultFor(genesis.Config);
        Assert.Equal(fork, genesis.Config.ForkAt(0, profile).ToString(), ignoreCase: true);
        Assert.Equal(35 * 1024, genesis.Config.MaxCodeSizeAt(0, profile));
        Assert.NotEqual(default, genesis.ToBlock().Hash);
        genesis.Config.RequireSupported(profile);
        Assert.Empty(genesis.Config.IgnoredFields(profile));
        // One that ends with Constantinople is for GoQuorum 2.5, which has no seconds.
        Assert.Equal(fork == "constantinople" ? BlockTimeUnit.Nanoseconds : BlockTimeUnit.Seconds, genesis.Config.BlockTimeUnit);
        Assert.Equal(fork == "constantinople" ? null : new EmptyBlocksConfig(6, 1), genesis.Config.Mesh?.EmptyBlocks);
    }

    [Fact]
    public void A_network_for_an_older_GoQuorum_is_not_marked_as_our_own()
    {
        NetworkCreator.Create(Request() with { Profile = "21", Participants = 1, Fork = "istanbul" });
        Assert.Null(GenesisFile.Parse(File.ReadAllText(Path.Combine(_temp, "genesis.json"))).Config.Mesh);
    }

    [Fact]
    public void The_chain_id_is_drawn_unless_it_is_given()
    {
        var drawn = Enumerable.Range(0, 5)
            .Select(i => NetworkCreator.Create(Request() with { Directory = Path.Combine(_temp, $"{i}"), Participants = 1, ChainId = null })
            .ChainId).ToList();
        Assert.All(drawn, id => Assert.InRange(id, 1_000_000ul, (ulong)int.MaxValue));
        // Five of two thousand million: that two are the same is no matter of luck.
        Assert.Equal(5, drawn.Distinct().Count());
        Assert.Equal(drawn[0], (ulong)GenesisFile.Parse(File.ReadAllText(Path.Combine(_temp, "0", "genesis.json"))).Config.ChainId);
        Assert.Equal(10ul, NetworkCreator.Create(
            Request() with { Directory = Path.Combine(_temp, "ten"), Participants = 1, ChainId = 10 }).ChainId);
    }

    [Fact]
    public void The_profile_is_kept_for_the_nodes()
    {
        NetworkCreator.Create(Request() with { Profile = "2.6", Participants = 1 });
        Assert.Equal("2.6", NetworkDefinition.Load(_temp).Profile);
    }

    [Theory]
    [InlineData("ibft", null, "cancun", EngineKind.Ibft)]
    [InlineData("ibft", "2.5", "constantinople", EngineKind.Ibft)]
    [InlineData("qbft", null, "cancun", EngineKind.Qbft)]
    public void Validators_of_a_new_network_are_the_node_keys_of_its_participants(string consensus, string? profile, string fork,
        EngineKind kind)
    {
        var network = NetworkCreator.Create(
            Request() with { Consensus = consensus, Profile = profile, Fork = fork, Participants = 4, ChainId = null });
        var genesis = GenesisFile.Parse(File.ReadAllText(Path.Combine(_temp, "genesis.json")));
        Assert.Equal((kind, profile is not null), (genesis.Config.Engine, !genesis.Config.HasNewEngineObject));
        var store = new MemoryKeyValueStore();
        GenesisStore.Initialise(store, File.ReadAllBytes(Path.Combine(_temp, "genesis.json")),
            profile is null ? null : CompatibilityProfile.Parse(profile));
        var rules = new BftChain(genesis.Config, GenesisStore.LoadProfile(store), store);
        Assert.Equal(network.Participants.Select(p => AddressOf(p.Enode)).Order(),
            rules.SnapshotAfter(ChainStore.GetHeader(store, 0)!).Validators.Addresses);
        Assert.Equal((1UL, 3), (rules.PeriodAt(1), rules.After(ChainStore.GetHeader(store, 0)!).Quorum));
    }

    private static Address AddressOf(string enode) =>
        Secp256k1.AddressOf(Convert.FromHexString(enode["enode://".Length..enode.IndexOf('@', StringComparison.Ordinal)]));

    public static TheoryData<string, string> Refusals => new()
    {
        { "old qbft", "knows no QBFT" }, { "pow", "not known" }, { "chain 0", "--chain-id" },
        { "chain 1", "--chain-id" }, { "none", "--participants" },
        { "many", "--participants" }, { "offset", "--port-offset" }, { "fork", "--fork" }, { "profile", "--profile" },
        { "deep", "too deep" },
    };

    [Theory]
    [MemberData(nameof(Refusals))]
    public void Refuses_before_the_first_file(string what, string message)
    {
        var request = Request();
        request = what switch
        {
            "old qbft" => request with { Consensus = "qbft", Profile = "2.5" },
            "pow" => request with { Consensus = what },
            "chain 0" => request with { ChainId = 0 },
            "chain 1" => request with { ChainId = 1 },
            "none" => request with { Participants = 0 },
            "many" => request with { Participants = 27 },
            "offset" => request with { PortOffset = -1 },
            "fork" => request with { Fork = "amsterdam" },
            "profile" => request with { Profile = "3" },
            _ => request with { Directory = Path.Combine(_temp, new string('d', 100)) },
        };
        Assert.Contains(message, Assert.Throws<CommandException>(() => NetworkCreator.Create(request)).Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(_temp));
    }

    [Fact]
    public void An_existing_network_is_left_alone()
    {
        NetworkCreator.Create(Request());
        var before = File.ReadAllText(Path.Combine(_temp, NetworkDefinition.FileName));
        Assert.Contains("already holds a network", Assert.Throws<CommandException>(() => NetworkCreator.Create(Request())).Message,
            StringComparison.Ordinal);
        Assert.Equal(before, File.ReadAllText(Path.Combine(_temp, NetworkDefinition.FileName)));
    }

    [Fact]
    public void A_directory_without_a_network_says_how_to_make_one()
    {
        Assert.Contains("qmesh network create", Assert.Throws<CommandException>(() => NetworkDefinition.Load(_temp)).Message,
            StringComparison.Ordinal);
        File.WriteAllText(Path.Combine(_temp, NetworkDefinition.FileName), "{");
        Assert.Contains("cannot be read", Assert.Throws<CommandException>(() => NetworkDefinition.Load(_temp)).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("{}")]
    [InlineData("null")]
    [InlineData("""{ "chainId": 10, "consensus": "raft", "participants": null }""")]
    [InlineData("""{ "chainId": 10, "consensus": "raft", "participants": [ { "name": "A" } ] }""")]
    [InlineData("raftport=", "port=")]
    [InlineData("http://127.0.0.1:22000", "127")]
    [InlineData("\"tls\": \"require\"", "\"tls\": \"sometimes\"")]
    public void A_damaged_definition_is_told(string text, string? instead = null)
    {
        NetworkCreator.Create(Request());
        var path = Path.Combine(_temp, NetworkDefinition.FileName);
        File.WriteAllText(path, instead is null ? text : File.ReadAllText(path).Replace(text, instead, StringComparison.Ordinal));
        Assert.Contains("cannot be read", Assert.Throws<CommandException>(() => NetworkDefinition.Load(_temp)).Message,
            StringComparison.Ordinal);
    }

    private NetworkRequest Request() => new(_temp, 3, "raft", "cancun", 10, null, 0);
}
