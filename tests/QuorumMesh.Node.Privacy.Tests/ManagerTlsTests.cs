using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.Logging;
using QuorumMesh.Outbound;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Privacy.Tests;

/// <summary>GoQuorum's strict TLS to a manager, against a server that asks for a certificate of the CA.</summary>
public sealed class ManagerTlsTests : IAsyncLifetime
{
    private readonly TempDirectory _directory = new();
    private readonly TestPki _pki = new();
    private readonly TestPki _other = new("Test only other CA");
    private readonly TlsMaterials _materials = new(TimeProvider.System);
    private WebApplication _manager = null!;

    private string Url => _manager.Urls.First();

    public async Task InitializeAsync()
    {
        _pki.WriteAuthority(_directory);
        _other.WriteAuthority(_directory, "other.crt");
        TestPki.Write(_directory, "node", _pki.Issue("node"));
        TestPki.Write(_directory, "stranger", _other.Issue("node"));
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelHttpsConfiguration().ConfigureKestrel(k => k.Listen(System.Net.IPAddress.Loopback, 0,
            listen => listen.UseHttps(_pki.Issue("manager"), https =>
            {
                https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                https.ClientCertificateValidation = (shown, _, _) => shown.Issuer == _pki.Authority.Subject;
            })));
        _manager = builder.Build();
        _manager.Run(http => http.Response.WriteAsync("I'm up!"));
        await _manager.StartAsync();
    }

    public async Task DisposeAsync()
    {
        await _manager.DisposeAsync();
        _materials.Dispose();
        _pki.Dispose();
        _other.Dispose();
        _directory.Dispose();
    }

    [Fact]
    public async Task The_manager_of_the_CA_is_called_with_the_nodes_certificate() => Assert.Null(await CheckAsync(Tls("ca.crt", "node")));

    [Theory]
    [InlineData("other.crt", "node", "no trusted CA stands for it")]
    [InlineData("ca.crt", "stranger", "not reachable")]
    [InlineData("ca.crt", null, "not reachable")]
    public async Task Another_CA_or_another_certificate_gets_nothing_and_the_reason_is_told(string ca, string? own, string said) =>
        Assert.Contains(said, await CheckAsync(Tls(ca, own)));

    [Fact]
    public async Task Verification_is_skipped_only_where_that_is_said()
    {
        Assert.Null(await CheckAsync(Tls(null, "node") with { SkipVerify = true }));
        Assert.Throws<FormatException>(() => PrivateConfig.Of(null, Url, Tls(null, "node")));
    }

    [Fact]
    public async Task A_file_of_GoQuorums_says_the_same()
    {
        var file = _directory.Write("tm.toml", $"""
            HttpUrl = "{Url}"
            TlsMode = "strict"
            TlsRootCA = "{_directory.File("ca.crt")}"
            TlsClientCert = "{_directory.File("node.crt")}"
            TlsClientKey = "{_directory.File("node.key")}"
            """);
        using var manager = (Q2tTransactionManager)PrivateConfig.Parse(file).CreateManager(new OutboundHandlers(), _materials);
        Assert.Null(await manager.CheckAsync(default));
    }

    private ManagerTls Tls(string? ca, string? own) => new(null, ca is null ? null : _directory.File(ca),
        own is null ? null : _directory.File(own + ".crt"), own is null ? null : _directory.File(own + ".key"), SkipVerify: false);

    private async Task<string?> CheckAsync(ManagerTls tls)
    {
        using var manager = (Q2tTransactionManager)PrivateConfig.Of(null, Url, tls).With(60, 60)
            .CreateManager(new OutboundHandlers(), _materials);
        return await manager.CheckAsync(default);
    }
}
