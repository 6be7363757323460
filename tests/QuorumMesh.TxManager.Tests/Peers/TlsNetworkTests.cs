using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tests.Shared.Managers;

namespace QuorumMesh.TxManager.Tests.Peers;

/// <summary>Three managers whose P2P is mutual TLS with one CA.</summary>
public sealed class AuthorityNetwork : TestNetwork
{
    internal TestPki Pki { get; } = new();

    internal TempDirectory Files { get; } = new();

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Pki.Dispose();
        Files.Dispose();
    }

    private protected override object? Ssl(int index, string directory)
    {
        var (certificate, key) = TestPki.Write(Files, $"m{index}", Pki.Issue($"manager{index}"));
        var authority = Pki.WriteAuthority(Files);
        return new
        {
            tls = "STRICT",
            serverTrustMode = "CA",
            clientTrustMode = "CA",
            serverTlsCertificatePath = certificate,
            serverTlsKeyPath = key,
            serverTrustCertificates = new[] { authority },
            clientTlsCertificatePath = certificate,
            clientTlsKeyPath = key,
            clientTrustCertificates = new[] { authority },
        };
    }
}

/// <summary>Three managers that make their key stores and trust on first use, each in a way of its own.</summary>
public sealed class FirstUseNetwork : TestNetwork
{
    internal TempDirectory Files { get; } = new();

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Files.Dispose();
    }

    private protected override object? Ssl(int index, string directory) => new
    {
        tls = "STRICT",
        generateKeyStoreIfNotExisted = true,
        serverTrustMode = index == 2 ? "NONE" : "TOFU",
        clientTrustMode = index == 2 ? "NONE" : "TOFU",
        serverKeyStore = Files.File($"m{index}.p12"),
        serverKeyStorePassword = "test only",
        clientKeyStore = Files.File($"m{index}.p12"),
        clientKeyStorePassword = "test only",
        knownClientsFile = Files.File($"clients{index}"),
        knownServersFile = Files.File($"servers{index}"),
    };
}

public sealed class TlsNetworkTests(AuthorityNetwork network) : IClassFixture<AuthorityNetwork>
{
    [Fact]
    public async Task Payloads_go_from_manager_to_manager()
    {
        var hash = await network.SendRawAsync(network.A, "over TLS", network.B, network.C);
        foreach (var at in new[] { network.B, network.C })
        {
            using var answer = await network.ReceiveRawAsync(at, hash);
            Assert.Equal("over TLS", await answer.Content.ReadAsStringAsync());
        }
    }

    [Theory]
    [InlineData("none")]
    [InlineData("other CA")]
    [InlineData("self-signed")]
    [InlineData("expired")]
    public async Task Who_has_no_certificate_of_the_CA_gets_no_answer(string kind)
    {
        using var other = new TestPki("Test only other CA");
        var shown = kind switch
        {
            "none" => null,
            "other CA" => other.Issue("manager0"),
            "self-signed" => TestPki.SelfSigned("manager0"),
            _ => network.Pki.Issue("manager0", DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(-1)),
        };
        using var http = Client(shown);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(network.A.P2P + "upcheck"));
        using var member = Client(network.Pki.Issue("another"));
        Assert.Equal("I'm up!", await member.GetStringAsync(network.A.P2P + "upcheck"));
    }

    [Fact]
    public async Task Plain_text_at_the_TLS_port_gets_no_answer()
    {
        using var http = new HttpClient();
        var plain = network.A.P2P.Replace("https:", "http:", StringComparison.Ordinal);
        await Assert.ThrowsAsync<HttpRequestException>(() => http.GetStringAsync(plain + "upcheck"));
    }

    [Fact]
    public async Task A_new_certificate_is_shown_and_used_without_a_restart()
    {
        TestPki.Write(network.Files, "m1", network.Pki.Issue("renewed"));
        await Wait.UntilAsync(async () => await SubjectAsync(network.B) == "CN=renewed", "the new certificate is shown");
        var hash = await network.SendRawAsync(network.B, "after renewal", network.A);
        using var answer = await network.ReceiveRawAsync(network.A, hash);
        Assert.Equal("after renewal", await answer.Content.ReadAsStringAsync());
    }

    private async Task<string> SubjectAsync(Participant at)
    {
        var url = new Uri(at.P2P);
        using var connection = new TcpClient();
        await connection.ConnectAsync(url.Host, url.Port);
        await using var tls = new SslStream(connection.GetStream(), false, (_, _, _, _) => true);
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions
        {
            TargetHost = url.Host,
            ClientCertificateContext = SslStreamCertificateContext.Create(network.Pki.Issue("looks"), null, offline: true),
        });
        return tls.RemoteCertificate!.Subject;
    }

    private HttpClient Client(X509Certificate2? shown)
    {
        var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = (_, _, _, _) => true;
        if (shown is not null) handler.SslOptions.ClientCertificateContext = SslStreamCertificateContext.Create(shown, null, offline: true);
        return new HttpClient(handler) { Timeout = Wait.Limit };
    }
}

public sealed class FirstUseNetworkTests(FirstUseNetwork network) : IClassFixture<FirstUseNetwork>
{
    [Fact]
    public async Task Managers_know_each_other_by_the_certificate_of_the_first_time()
    {
        var hash = await network.SendRawAsync(network.A, "first use", network.B, network.C);
        using var answer = await network.ReceiveRawAsync(network.B, hash);
        Assert.Equal("first use", await answer.Content.ReadAsStringAsync());
        var lines = await File.ReadAllLinesAsync(network.Files.File("servers0"));
        var names = new[] { network.B, network.C }.Select(p => new Uri(p.P2P).Authority);
        Assert.Equal(names.Order(), lines.Select(l => l.Split(' ')[0]).Order());
        Assert.All(lines, line => Assert.Matches("^[^ ]+ [0-9a-f]{40}$", line));
    }
}
