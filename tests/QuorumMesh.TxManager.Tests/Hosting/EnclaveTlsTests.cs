using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Google.Protobuf;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.AspNetCore.Builder;
using QuorumMesh.Contracts;
using QuorumMesh.Contracts.Privacy;
using QuorumMesh.Enclave;
using QuorumMesh.Enclave.Keys;
using QuorumMesh.Outbound;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Managers;
using QuorumMesh.Tls;
using QuorumMesh.TxManager.Configuration;
using QuorumMesh.TxManager.Core;
using QuorumMesh.TxManager.Core.EnclaveClient;
using QuorumMesh.TxManager.Hosting;
using PublicKey = QuorumMesh.Contracts.PublicKey;

namespace QuorumMesh.TxManager.Tests.Hosting;

/// <summary>An enclave beyond its manager's machine: mutual TLS, each with the other's one certificate.</summary>
public sealed class EnclaveTlsTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private readonly TestPki _pki = new();
    private readonly TlsMaterials _materials = new(TimeProvider.System);
    private readonly int _port = FreePorts.One();
    private PublicKey _key = null!;
    private WebApplication _enclave = null!;

    private string Address => $"https://127.0.0.1:{_port}";

    public async Task InitializeAsync()
    {
        _key = PublicKey.FromBase64(TesseraKeyFile.Generate(_directory.File("tm")).ToString());
        _directory.Write("e.json", $$"""
            {"keys":{"keyData":[{"privateKeyPath":"{{_directory.File("tm.key")}}","publicKeyPath":"{{_directory.File("tm.pub")}}"}]} }
            """);
        TestPki.Write(_directory, "enclave", TestPki.SelfSigned("enclave"));
        TestPki.Write(_directory, "manager", TestPki.SelfSigned("manager"));
        _enclave = await EnclaveHost.StartAsync(Options($"https://127.0.0.1:{_port}", Tls), CancellationToken.None);
    }

    public async Task DisposeAsync()
    {
        await _enclave.StopAsync();
        await _enclave.DisposeAsync();
        _materials.Dispose();
        _pki.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task The_manager_is_served_over_TLS()
    {
        using var enclave = Client("manager", "enclave");
        Assert.Equal([_key], (await enclave.KeysAsync(default)).Active);
        var payload = await enclave.SealAsync(new byte[] { 1, 2, 3 }, _key, [_key], [], default);
        Assert.Equal(new byte[] { 1, 2, 3 }, (await enclave.OpenAsync(payload, _key, default)).Payload);
    }

    [Theory]
    [InlineData("none")]
    [InlineData("the same name")]
    [InlineData("of some CA")]
    public async Task Nobody_else_is(string kind)
    {
        var shown = kind switch
        {
            "none" => null,
            "the same name" => TestPki.SelfSigned("manager"),
            _ => _pki.Issue("manager"),
        };
        if (shown is not null) TestPki.Write(_directory, "stranger", shown);
        using var enclave = Client(shown is null ? null : "stranger", "enclave");
        Assert.Equal(Failure.EnclaveUnavailable, (await Assert.ThrowsAsync<PrivacyException>(() => enclave.KeysAsync(default))).Failure);
        using var manager = Client("manager", "enclave");
        Assert.NotEmpty((await manager.KeysAsync(default)).Active);
    }

    [Fact]
    public async Task A_manager_gives_no_payload_to_another_enclave()
    {
        TestPki.Write(_directory, "other", TestPki.SelfSigned("enclave"));
        using var manager = Client("manager", "other");
        await Assert.ThrowsAsync<PrivacyException>(() => manager.KeysAsync(default));
    }

    [Fact]
    public void An_expired_certificate_is_refused_though_it_is_the_right_one()
    {
        using var old = _pki.Issue("manager", DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(-1));
        TestPki.Write(_directory, "old", old);
        var trust = _materials.Pinned("--manager-cert", _directory.File("old.crt"));
        Assert.Contains("valid from", trust.Refuse(old, [], PeerRole.Client));
        Assert.Null(_materials.Pinned("t", _directory.File("enclave.crt"))
            .Refuse(X509CertificateLoader.LoadCertificateFromFile(_directory.File("enclave.crt")), [], PeerRole.Server));
    }

    [Fact]
    public async Task Older_protocols_and_plain_text_get_no_answer()
    {
        var source = Source("manager");
        var old = new TlsClient("enclave", source, _materials.Pinned("t", _directory.File("enclave.crt")), namesCount: false,
            SslProtocols.Tls12);
        using var downgraded = new GrpcEnclave(Address, Wait.Limit, new OutboundHandlers(), old);
        await Assert.ThrowsAsync<PrivacyException>(() => downgraded.KeysAsync(default));
        using var plain = new GrpcEnclave($"http://127.0.0.1:{_port}", Wait.Limit, new OutboundHandlers());
        await Assert.ThrowsAsync<PrivacyException>(() => plain.KeysAsync(default));
    }

    [Fact]
    public async Task The_managers_configuration_says_all_of_it()
    {
        var file = WriteManager("");
        var options = ManagerConfig.Read(new CommandLineSettings(file, []));
        var tls = options.EnclaveTls!.Client(_materials);
        using var enclave = new GrpcEnclave(options.EnclaveAddress!, Wait.Limit, new OutboundHandlers(), tls);
        Assert.Equal([_key], (await enclave.KeysAsync(default)).Active);
        var bare = Assert.Throws<OptionsException>(
            () => ManagerConfig.Read(new CommandLineSettings(file, ["quorummesh.enclave=http://127.0.0.1:1"])));
        Assert.Contains("quorummesh.enclaveTls", bare.Message);
    }

    [Fact]
    public async Task The_managers_gRPC_is_for_its_node_alone_and_plain_on_loopback_alone()
    {
        TestPki.Write(_directory, "node", TestPki.SelfSigned("node"));
        TestPki.Write(_directory, "stranger", TestPki.SelfSigned("node"));
        var port = FreePorts.One();
        var file = WriteManager($$"""
            ,"grpc":"https://127.0.0.1:{{port}}","grpcTls":{"certificate":"{{_directory.File("manager.crt")}}",
              "key":"{{_directory.File("manager.key")}}","node":"{{_directory.File("node.crt")}}"}
            """);
        await using var manager = await ManagerHost.StartAsync(
            ManagerConfig.Read(new CommandLineSettings(file, [])), new Seams(), CancellationToken.None);
        await AskAsync("node", port);
        // In TLS 1.3 a client hears of its refusal after the handshake, in a place that depends on how far it has got.
        var refused = (await Assert.ThrowsAsync<RpcException>(() => AskAsync("stranger", port))).StatusCode;
        Assert.True(refused is StatusCode.Unavailable or StatusCode.Internal, $"{refused}");
        await manager.StopAsync();
        var open = Assert.Throws<OptionsException>(
            () => ManagerConfig.Read(new CommandLineSettings(WriteManager(",\"grpc\":\"http://0.0.0.0:1\""), [])));
        Assert.Contains("quorummesh.grpcTls", open.Message);
    }

    [Theory]
    [InlineData("http://0.0.0.0:0", "--manager-cert")]
    [InlineData("https://127.0.0.1:0", "--tls-cert")]
    public async Task Without_certificates_it_starts_on_loopback_alone(string listen, string advice) =>
        Assert.Contains(advice, (await Assert.ThrowsAsync<OptionsException>(
            () => EnclaveHost.StartAsync(Options(listen, new EnclaveTls(null, null, null)), CancellationToken.None))).Message);

    /// <param name="more">Further members of quorummesh.</param>
    private string WriteManager(string more) => _directory.Write("tm.json", $$"""
        {"jdbc":{"url":"jdbc:sqlite:{{_directory.File("tm.db")}}"},
         "serverConfigs":[{"app":"Q2T","serverAddress":"unix:{{_directory.File("tm.ipc")}}"},
          {"app":"P2P","serverAddress":"http://127.0.0.1:{{FreePorts.One()}}"}],
         "quorummesh":{"enclave":"{{Address}}","enclaveTls":{"certificate":"{{_directory.File("manager.crt")}}",
          "key":"{{_directory.File("manager.key")}}","enclave":"{{_directory.File("enclave.crt")}}"} {{more}} } }
        """);

    private async Task AskAsync(string shown, int port)
    {
        var tls = new TlsClient("manager", Source(shown), _materials.Pinned("t", _directory.File("manager.crt")), namesCount: false);
        using var channel = GrpcChannel.ForAddress($"https://127.0.0.1:{port}", new GrpcChannelOptions
        {
            HttpHandler = new OutboundHandlers().Create(OutboundLimits.Manager with { Connect = Wait.Limit }, tls: tls),
            DisposeHttpClient = true,
        });
        var request = new ReceiveRequest();
        request.Hashes.Add(ByteString.CopyFrom(new byte[64]));
        await new PrivacyManager.PrivacyManagerClient(channel).ReceiveAsync(request);
    }

    private EnclaveTls Tls => new(_directory.File("enclave.crt"), _directory.File("enclave.key"), _directory.File("manager.crt"));

    private EnclaveOptions Options(string listen, EnclaveTls tls) =>
        new(_directory.File("e.json"), listen, null, [], false) { Tls = tls };

    private CertificateSource Source(string name) => _materials.Certificate("test", "--cert",
        CertificateFiles.Pem("--cert", _directory.File(name + ".crt"), _directory.File(name + ".key")));

    private GrpcEnclave Client(string? shown, string pinned)
    {
        var tls = new TlsClient("enclave", shown is null ? null : Source(shown), _materials.Pinned("t", _directory.File(pinned + ".crt")),
            namesCount: false, SslProtocols.Tls13);
        return new GrpcEnclave(Address, Wait.Limit, new OutboundHandlers(), tls);
    }
}
