using QuorumMesh.ServiceDefaults;
using QuorumMesh.TxManager.Configuration;

namespace QuorumMesh.TxManager.Tests.Hosting;

public sealed class ConfigTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("qmconf").FullName;

    private const string Sample = """
        {"mode":"tessera","useWhiteList":false,"unknown":{"x":1},
         "jdbc":{"username":"sa","password":"","url":"jdbc:sqlite:tm.db","autoCreateTables":true},
         "serverConfigs":[
          {"app":"Q2T","serverAddress":"unix:/tmp/qm-conf/tm.ipc","communicationType":"REST"},
          {"app":"P2P","serverAddress":"http://10.0.0.1:9001","bindingAddress":"http://0.0.0.0:9001",
           "sslConfig":{"tls":"OFF"},"communicationType":"REST","properties":{"partyInfoInterval":10000}},
          {"app":"ThirdParty","serverAddress":"http://127.0.0.1:9081","communicationType":"REST","cors":{"allowedOrigins":["http://a"]}},
          {"app":"ENCLAVE","serverAddress":"unix:/tmp/qm-conf/enclave.ipc"}],
         "peer":[{"url":"http://10.0.0.2:9001"},{"url":"http://10.0.0.2:9001/"}],
         "alwaysSendTo":["/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc="],
         "features":{"enableRemoteKeyValidation":true},
         "encryptor":{"type":"NACL"}}
        """;

    private ManagerOptions Read(params string[] overrides)
    {
        var file = Path.Combine(_directory, "tm.json");
        File.WriteAllText(file, Sample);
        return ManagerConfig.Read(new CommandLineSettings(file, overrides));
    }

    [Fact]
    public void Configuration_of_Tessera_is_read_as_it_stands()
    {
        var options = Read();
        Assert.Equal("http://10.0.0.1:9001/", options.OwnUrl);
        Assert.Equal(["http://10.0.0.2:9001/"], options.Peers);
        Assert.Equal(TimeSpan.FromSeconds(10), options.PartyInfoInterval);
        Assert.Equal(TimeSpan.FromMilliseconds(7500), options.PeerTimeout);
        Assert.Equal([AppKind.Q2T, AppKind.P2P, AppKind.ThirdParty], options.Servers.Select(s => s.Kind));
        Assert.Equal("http://0.0.0.0:9001", options.Servers[1].Listen.ToString());
        Assert.Equal("unix:/tmp/qm-conf/enclave.ipc", options.EnclaveAddress);
        Assert.True(options.EnableRemoteKeyValidation);
        Assert.Single(options.AlwaysSendTo);
        Assert.Equal(["http://a"], options.Servers[2].Cors!.AllowedOrigins);
        Assert.Contains(_directory, options.Database().Description, StringComparison.Ordinal);
    }

    [Fact]
    public void Overrides_replace_and_add()
    {
        var options = Read(
            "peer[1].url=http://10.0.0.3:9001", "useWhiteList=true", "jdbc.url=jdbc:postgresql://db:5433/tm?user=u&sslmode=disable",
                "quorummesh.maxBodyBytes=2048");
        Assert.Equal(["http://10.0.0.2:9001/", "http://10.0.0.3:9001/"], options.Peers);
        Assert.True(options.UseWhiteList);
        Assert.Equal(2048, options.MaxBody);
        Assert.Equal("PostgreSQL db:5433/tm", options.Database().Description);
    }

    [Fact]
    public void Resend_is_open_in_a_file_of_Tessera_and_proven_in_one_of_ours()
    {
        Assert.True(Read().OpenResend);
        Assert.False(Read("quorummesh.tesseraPeers=false").OpenResend);
        Assert.False(Read("quorummesh.grpc=http://127.0.0.1:1").OpenResend);
        Assert.True(Read("quorummesh.tesseraPeers=true").OpenResend);
        Assert.False(Read("quorummesh.tesseraPeers=true", "quorummesh.resend=proven").OpenResend);
        Assert.True(Read("quorummesh.resend=open").OpenResend);
    }

    [Fact]
    public void Identities_pin_each_key_once()
    {
        const string identity = "zP9kWRDB83v7TSZrAEXRgeexKkejHM48cpZOqnt3oyo=", key = "/+UuD63zItL1EbjxkKUljMgG8Z1w0AJ8pNOR4iq2yQc=";
        Assert.Empty(Read().Identities);
        string[] first = [$"quorummesh.identities[0].identity={identity}", $"quorummesh.identities[0].keys[0]={key}"];
        var pinned = Assert.Single(Read(first).Identities);
        Assert.Equal((key, identity), (pinned.Key.ToBase64(), pinned.Value.ToBase64()));
        var twice = Assert.Throws<OptionsException>(() => Read([.. first, $"quorummesh.identities[0].keys[1]={key}"]));
        Assert.Contains("quorummesh.identities[0].keys[1]", twice.Message, StringComparison.Ordinal);
        Assert.Contains("second time", twice.Message, StringComparison.Ordinal);
        Assert.Contains("32 bytes", Assert.Throws<OptionsException>(() => Read("quorummesh.identities[0].identity=AQ==")).Message,
            StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("jdbc.url", "jdbc:h2:/data/tm", "jdbc:sqlite:")]
    [InlineData("jdbc.url", "jdbc:oracle:x", "jdbc:sqlite:")]
    [InlineData("jdbc.url", "", "is required")]
    [InlineData("serverConfigs[1].app", "Q2T", "P2P")]
    [InlineData("serverConfigs[0].app", "ADMIN", "one of")]
    [InlineData("serverConfigs[0].serverAddress", "nonsense", "unix:/path")]
    [InlineData("serverConfigs[1].sslConfig.tls", "strict", "STRICT nor OFF")]
    [InlineData("serverConfigs[1].serverAddress", "https://10.0.0.1:9001", "is not STRICT")]
    [InlineData("serverConfigs[3].serverAddress", "https://127.0.0.1:9003", "not supported by this version here")]
    [InlineData("serverConfigs[3].sslConfig.tls", "STRICT", "not supported by this version")]
    [InlineData("serverConfigs[1].properties.partyInfoInterval", "soon", "number")]
    [InlineData("peer[0].url", "ftp://x", "http://host:port")]
    [InlineData("alwaysSendTo[0]", "AQ==", "32 bytes")]
    [InlineData("features.enableMultiplePrivateStates", "true", "false")]
    [InlineData("encryptor.type", "EC", "NACL")]
    [InlineData("mode", "orion", "tessera")]
    [InlineData("quorummesh.resend", "sometimes", "one of")]
    [InlineData("quorummesh.grpc", "https://0.0.0.0:9102", "grpcTls.certificate")]
    [InlineData("quorummesh.grpc", " https://0.0.0.0:9102", "grpcTls.certificate")]
    [InlineData("quorummesh.enclave", " HTTPS://10.0.0.5:9103", "enclaveTls.certificate")]
    [InlineData("serverConfigs[1].bindingAddress", " https://0.0.0.0:9001", "plain text would be spoken")]
    [InlineData("quorummesh.keyMoveAfterSeconds", "5", "60")]
    [InlineData("quorummesh.database", "Nonsense=1", "connection string")]
    public void Bad_settings_are_named(string key, string value, string advice)
    {
        var e = Assert.Throws<OptionsException>(() => Read($"{key}={value}"));
        Assert.Contains(advice, e.Message, StringComparison.Ordinal);
        Assert.Contains(key.StartsWith("serverConfigs[1].app", StringComparison.Ordinal) ? "serverConfigs"
            : key, e.Message, StringComparison.Ordinal);
    }

    /// <summary>Whoever writes it takes a link for protected that is not there.</summary>
    [Theory]
    [InlineData("""{"grpcTls":{"certificate":"c"}}""", "quorummesh.grpcTls", "quorummesh.grpc (or --grpc)")]
    [InlineData("""{"enclaveTls":{"certificate":"c"}}""", "quorummesh.enclaveTls", "an enclave of its own")]
    public void TLS_for_a_link_that_is_not_there_is_refused(string own, string key, string missing)
    {
        var file = Path.Combine(_directory, "idle.json");
        File.WriteAllText(file, $$"""
            {"jdbc":{"url":"jdbc:sqlite:{{_directory}}/tm.db"},
             "serverConfigs":[{"app":"P2P","serverAddress":"http://127.0.0.1:9001"},{"app":"Q2T","serverAddress":"http://127.0.0.1:9101"}],
             "keys":{"keyData":[{"privateKeyPath":"tm.key","publicKeyPath":"tm.pub"}]}, "quorummesh":{{own}}}
            """);
        var e = Assert.Throws<OptionsException>(() => ManagerConfig.Read(new CommandLineSettings(file, [])));
        Assert.Equal(key, e.Key);
        Assert.Contains(missing, e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://0.0.0.0:9101")]
    [InlineData("https://0.0.0.0:9101")]
    public void Strict_TLS_is_not_lost_where_a_Unix_socket_is_advertised_and_a_port_is_bound(string bound)
    {
        string[] strict = ["serverConfigs[0].sslConfig.tls=STRICT", $"serverConfigs[0].bindingAddress={bound}"];
        var e = Assert.Throws<OptionsException>(() => Read(strict));
        Assert.Contains("serverConfigs[0].bindingAddress is no Unix socket", e.Message.Replace(":", "", StringComparison.Ordinal),
            StringComparison.Ordinal);
        Assert.False(Read(strict[0]).Servers[0].HasTls);
    }

    [Fact]
    public void What_is_passed_over_is_told_by_name_and_what_cannot_be_read_is_refused()
    {
        Assert.Equal("unknown is not known here and is passed over", Assert.Single(Read().Notices));
        var notices = Read("serverConfigs[1].influxConfig.dbName=x", "serverConfigs[0].odd=1").Notices;
        Assert.Contains(notices, n => n.StartsWith("serverConfigs[1].influxConfig ", StringComparison.Ordinal));
        Assert.Contains(notices, n => n.StartsWith("serverConfigs[0].odd ", StringComparison.Ordinal));
        var e = Assert.Throws<OptionsException>(() => Read("jdbc.password=ENC(abc=)"));
        Assert.Contains("jdbc.password", e.Message, StringComparison.Ordinal);
        Assert.DoesNotContain("abc", e.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("http://LocalHost:9001", "http://LocalHost:9001/", "http://localhost:9001/")]
    [InlineData("http://LocalHost:80", "http://LocalHost:80/", "http://localhost/")]
    [InlineData("http://10.0.0.1:9001/", "http://10.0.0.1:9001/", "http://10.0.0.1:9001/")]
    [InlineData("http://A.example:9001/tm", "http://A.example:9001/tm", "http://a.example:9001/tm/")]
    public void Own_url_goes_out_as_it_is_spelled(string address, string announced, string compared)
    {
        var options = Read($"serverConfigs[1].serverAddress={address}");
        Assert.Equal((announced, compared), (options.AnnouncedUrl, options.OwnUrl));
    }

    [Fact]
    public void Pushes_wait_longer_than_polls_unless_one_bound_is_set_for_both()
    {
        Assert.Equal(TimeSpan.FromSeconds(20), Read().PushTimeout);
        Assert.Equal(TimeSpan.FromSeconds(2), Read("quorummesh.peerTimeoutMs=2000").PushTimeout);
        Assert.Equal(TimeSpan.FromSeconds(9), Read("quorummesh.peerTimeoutMs=2000", "quorummesh.pushTimeoutMs=9000").PushTimeout);
    }

    [Theory]
    [InlineData("server.hostName", "http://x", "before 0.10")]
    [InlineData("unixSocketFile", "/tmp/tm.ipc", "before 0.10")]
    [InlineData("serverConfigs[1].serverSocket.type", "INET", "before 0.10")]
    [InlineData("serverConfigs[1].enabled", "false", "before 0.10")]
    [InlineData("serverConfigs[2].app", "ADMIN", "older Tesseras")]
    [InlineData("serverConfigs[1].communicationType", "GRPC", "older Tesseras")]
    [InlineData("serverConfigs[0].communicationType", "UNIX_SOCKET", "older Tesseras")]
    public void Forms_of_older_Tesseras_are_named_as_that(string key, string value, string what)
    {
        var message = Assert.Throws<OptionsException>(() => Read($"{key}={value}")).Message;
        Assert.Contains(what, message, StringComparison.Ordinal);
        Assert.Contains(key.Split('.')[^1] is "hostName" or "type" ? key[..key.LastIndexOf('.')] : key, message, StringComparison.Ordinal);
    }

    [Fact]
    public void Configuration_of_Constellation_is_named_as_that()
    {
        var file = Path.Combine(_directory, "tm.conf");
        File.WriteAllText(file, "# the url\nurl = \"http://127.0.0.1:9001/\"\nport = 9001\nsocket = \"tm.ipc\"\n");
        Assert.Contains("Constellation",
            Assert.Throws<OptionsException>(() => ManagerConfig.Read(new CommandLineSettings(file, []))).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Missing_file_and_bad_json_are_said()
    {
        Assert.Throws<OptionsException>(() => ManagerConfig.Read(new CommandLineSettings(Path.Combine(_directory, "none.json"), [])));
        var file = Path.Combine(_directory, "bad.json");
        File.WriteAllText(file, "{");
        Assert.Contains("not JSON", Assert.Throws<OptionsException>(() => ManagerConfig.Read(new CommandLineSettings(file, []))).Message,
            StringComparison.Ordinal);
        Assert.Throws<UsageException>(() => Read("nothing"));
    }

    public void Dispose() => Directory.Delete(_directory, recursive: true);
}
