using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace QuorumMesh.Tls.Tests;

/// <summary>Both sides of links on loopback, attacked.</summary>
public sealed class HandshakeTests : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly TestPki _pki = new();
    private readonly TestPki _other = new("Test only other CA");
    private readonly TlsMaterials _materials = new(TimeProvider.System);
    private readonly CancellationTokenSource _timeout = new(Patience);
    private int _files;

    public void Dispose()
    {
        _materials.Dispose();
        _pki.Dispose();
        _other.Dispose();
        _timeout.Dispose();
        _directory.Dispose();
    }

    [Theory]
    [InlineData("good", null)]
    [InlineData("none", "a client showed no certificate")]
    [InlineData("other CA", "no trusted CA stands for it")]
    [InlineData("self-signed", "no trusted CA stands for it")]
    [InlineData("expired", "valid from")]
    [InlineData("not yet valid", "valid from")]
    [InlineData("for servers", "it is not for TLS clients")]
    public async Task A_client_is_let_in_by_its_certificate_alone(string kind, string? said)
    {
        var told = new List<string>();
        var server = new TlsServer("test", Source(_pki.Issue("server")), Anchors(_pki));
        server.Told += told.Add;
        var shown = Certificate(kind, TestPki.ForServers);
        var client = new TlsClient("test", shown is null ? null : Source(shown), Anchors(_pki));
        var heard = await TalkAsync(server, client, "127.0.0.1");
        if (said is null)
        {
            Assert.Equal("hello", heard);
            return;
        }
        Assert.Null(heard);
        Assert.Contains(said, Assert.Single(told));
    }

    [Theory]
    [InlineData("good", "127.0.0.1", null)]
    [InlineData("good", "localhost", null)]
    [InlineData("good", "other.example", "it does not name other.example")]
    [InlineData("good", "127.0.0.2", "it does not name 127.0.0.2")]
    [InlineData("other CA", "127.0.0.1", "no trusted CA stands for it")]
    [InlineData("self-signed", "127.0.0.1", "no trusted CA stands for it")]
    [InlineData("expired", "127.0.0.1", "valid from")]
    [InlineData("for servers", "127.0.0.1", "it is not for TLS servers")]
    public async Task A_server_is_taken_by_CA_date_purpose_and_name(string kind, string host, string? said)
    {
        var server = new TlsServer("test", Source(Certificate(kind, TestPki.ForClients)!), clients: null);
        var client = new TlsClient("test", null, Anchors(_pki));
        if (said is null)
        {
            Assert.Equal("hello", await TalkAsync(server, client, host));
            return;
        }
        var refused = await Assert.ThrowsAsync<TlsRefusedException>(() => TalkAsync(server, client, host));
        Assert.Contains(said, refused.Message);
    }

    [Fact]
    public async Task Certificates_between_come_with_the_handshake_on_both_sides()
    {
        using var between = new TestPki(_pki, "Test only CA between");
        CertificateSource Chained(string name)
        {
            var (path, key) = TestPki.Write(_directory, name, between.Issue(name));
            File.AppendAllText(path, "\n" + between.Authority.ExportCertificatePem());
            return _materials.Certificate("test", "--cert", CertificateFiles.Pem("--cert", path, key));
        }
        var server = new TlsServer("test", Chained("server"), Anchors(_pki));
        Assert.Equal("hello", await TalkAsync(server, new TlsClient("test", Chained("client"), Anchors(_pki)), "127.0.0.1"));
        var alone = new TlsClient("test", Source(between.Issue("alone")), Anchors(_pki));
        Assert.Null(await TalkAsync(server, alone, "127.0.0.1"));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_CA_that_another_one_stands_for_is_enough_to_trust(bool showsItsRoot)
    {
        using var issuing = new TestPki(_pki, "Test only issuing CA");
        CertificateSource Chained(string name)
        {
            var (path, key) = TestPki.Write(_directory, name, issuing.Issue(name));
            File.AppendAllText(path, "\n" + issuing.Authority.ExportCertificatePem());
            if (showsItsRoot) File.AppendAllText(path, "\n" + _pki.Authority.ExportCertificatePem());
            return _materials.Certificate("test", "--cert", CertificateFiles.Pem("--cert", path, key));
        }
        var server = new TlsServer("test", Chained("server"), Anchors(issuing));
        Assert.Equal("hello", await TalkAsync(server, new TlsClient("test", Chained("client"), Anchors(issuing)), "127.0.0.1"));
    }

    [Theory]
    [InlineData("good", null)]
    [InlineData("expired", "valid from")]
    [InlineData("for servers", "it is not for TLS clients")]
    [InlineData("same name, other key", "no trusted CA stands for it")]
    [InlineData("same name, other key, which is shown", "no trusted CA stands for it")]
    [InlineData("of a member", "no trusted CA stands for it")]
    [InlineData("of its root", "no trusted CA stands for it")]
    public void Whom_such_a_CA_does_not_stand_for_is_refused(string kind, string? said)
    {
        using var issuing = new TestPki(_pki, "Test only issuing CA");
        using var alike = new TestPki(_pki, "Test only issuing CA");
        using var member = issuing.Issue("member");
        using var memberKey = member.GetECDsaPrivateKey()!;
        var leaf = new CertificateRequest("CN=leaf", memberKey, HashAlgorithmName.SHA256);
        var generator = X509SignatureGenerator.CreateForECDsa(memberKey);
        using var shown = kind switch
        {
            "good" => issuing.Issue("peer"),
            "expired" => issuing.Issue("peer", DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(-1)),
            "for servers" => issuing.Issue("peer", purpose: TestPki.ForServers),
            "of a member" => leaf.Create(member.SubjectName, generator, DateTimeOffset.UtcNow.AddHours(-1),
                DateTimeOffset.UtcNow.AddHours(1), [1, 2, 3]),
            "of its root" => _pki.Issue("peer"),
            _ => alike.Issue("peer"),
        };
        X509Certificate2Collection between = kind.EndsWith("shown", StringComparison.Ordinal) ? [alike.Authority, _pki.Authority]
            : kind == "of a member" ? [member, issuing.Authority] : [];
        var why = Anchors(issuing).Refuse(shown, between, PeerRole.Client);
        if (said is null) Assert.Null(why);
        else Assert.Contains(said, why);
    }

    [Fact]
    public void A_client_that_is_checked_is_checked_at_each_connection()
    {
        // A session that is taken up again knows the leaf alone, and the list of its day.
        var source = Source(_pki.Issue("server"));
        Assert.False(new TlsServer("test", source, Anchors(_pki)).Options().AllowTlsResume);
        Assert.True(new TlsServer("test", source, clients: null).Options().AllowTlsResume);
    }

    [Fact]
    public async Task Older_protocols_than_the_link_takes_are_refused()
    {
        var server = new TlsServer("test", Source(_pki.Issue("server")), clients: null, SslProtocols.Tls13);
        var old = new TlsClient("test", null, Anchors(_pki), protocols: SslProtocols.Tls12);
        await Assert.ThrowsAsync<TlsRefusedException>(() => TalkAsync(server, old, "127.0.0.1"));
    }

    [Fact]
    public async Task Plain_text_where_TLS_is_spoken_is_told_of_on_both_sides()
    {
        using var plain = new TcpListener(IPAddress.Loopback, 0);
        plain.Start();
        var serving = Task.Run(async () =>
        {
            using var socket = await plain.AcceptSocketAsync(_timeout.Token);
            await socket.SendAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n"u8.ToArray(), _timeout.Token);
            await socket.ReceiveAsync(new byte[4096], _timeout.Token);
        });
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, ((IPEndPoint)plain.LocalEndpoint).Port, _timeout.Token);
        var client = new TlsClient("test", null, Anchors(_pki));
        await Assert.ThrowsAsync<TlsRefusedException>(
            async () => await client.AuthenticateAsync(connection.GetStream(), "127.0.0.1", null, _timeout.Token));
        await serving;
    }

    [Fact]
    public async Task A_certificate_without_its_key_is_worth_nothing()
    {
        // Whoever has seen a certificate can show it, but not sign the handshake with its key.
        using var good = _pki.Issue("member");
        using var thief = TestPki.SelfSigned("thief");
        using var key = thief.GetECDsaPrivateKey()!;
        var (_, stolen) = TestPki.Write(_directory, "thief", thief);
        var certificate = _directory.Write("member.crt", good.ExportCertificatePem());
        Assert.Throws<TlsSetupException>(() => _materials.Certificate("t", "--cert", CertificateFiles.Pem("--cert", certificate, stolen)));
        var server = new TlsServer("test", Source(_pki.Issue("server")), Anchors(_pki));
        Assert.Null(await TalkAsync(server, new TlsClient("test", Source(thief), Anchors(_pki)), "127.0.0.1"));
    }

    private X509Certificate2? Certificate(string kind, string otherPurpose) => kind switch
    {
        "good" => _pki.Issue("peer"),
        "none" => null,
        "other CA" => _other.Issue("peer"),
        "self-signed" => TestPki.SelfSigned("peer"),
        "expired" => _pki.Issue("peer", DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(-1)),
        "not yet valid" => _pki.Issue("peer", DateTimeOffset.UtcNow.AddDays(1), DateTimeOffset.UtcNow.AddDays(2)),
        _ => _pki.Issue("peer", purpose: otherPurpose),
    };

    /// <returns>What the server answered; null when it closed instead.</returns>
    private async Task<string?> TalkAsync(TlsServer server, TlsClient client, string host)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var serving = ServeAsync(listener, server);
        using var connection = new TcpClient();
        await connection.ConnectAsync(IPAddress.Loopback, ((IPEndPoint)listener.LocalEndpoint).Port, _timeout.Token);
        try
        {
            await using var tls = await client.AuthenticateAsync(connection.GetStream(), host, null, _timeout.Token);
            // With TLS 1.3 a client's handshake is over before the server has looked at its certificate.
            var answer = new byte[16];
            var length = await tls.ReadAsync(answer, _timeout.Token);
            return length == 0 ? null : Encoding.ASCII.GetString(answer, 0, length);
        }
        catch (IOException e) when (e is not TlsRefusedException)
        {
            return null;
        }
        finally
        {
            connection.Close();
            await serving;
        }
    }

    private async Task ServeAsync(TcpListener listener, TlsServer server)
    {
        using var socket = await listener.AcceptTcpClientAsync(_timeout.Token);
        await using var tls = new SslStream(socket.GetStream());
        try
        {
            await tls.AuthenticateAsServerAsync(server.Options(), _timeout.Token);
            await tls.WriteAsync("hello"u8.ToArray(), _timeout.Token);
            Assert.Equal(0, await tls.ReadAsync(new byte[1], _timeout.Token));
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            // What the client saw is what counts.
        }
    }

    private CertificateSource Source(X509Certificate2 certificate)
    {
        var (path, key) = TestPki.Write(_directory, $"c{_files++}", certificate);
        return _materials.Certificate("test", "--cert", CertificateFiles.Pem("--cert", path, key));
    }

    private CaTrust Anchors(TestPki pki) => _materials.Authorities("--ca", [pki.WriteAuthority(_directory, $"ca{_files++}.crt")]);
}
