using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using QuorumMesh.Cli.Tls;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tls;

namespace QuorumMesh.Cli.Tests;

/// <summary>What the doctor says of links that are well and of such that are not.</summary>
public sealed class TlsDoctorTests : IDisposable
{
    private readonly TempDirectory _directory = new();
    private readonly TestPki _pki = new();
    private readonly TestPki _other = new("Test only other CA");
    private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(60));

    public void Dispose()
    {
        _directory.Dispose();
        _pki.Dispose();
        _other.Dispose();
        _timeout.Dispose();
    }

    [Fact]
    public async Task A_link_that_is_well_has_no_bad_finding()
    {
        TestPki.Write(_directory, "own", _pki.Issue("caller"));
        var findings = await AskAsync(_pki.Issue("server"), isAsking: true, q => q with
        {
            Authorities = _pki.WriteAuthority(_directory),
            Certificate = _directory.File("own.crt"),
            Key = _directory.File("own.key"),
        });
        Assert.DoesNotContain(findings, f => f.Verdict == TlsVerdict.Bad);
        foreach (var good in new[] { "it names 127.0.0.1", "--ca takes it", "the clocks agree", "is shown 'CN=caller'" })
            Assert.Contains(findings, f => f.Text.Contains(good, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("other CA", "--ca refuses it: no trusted CA stands for it")]
    [InlineData("expired", "it is valid from")]
    [InlineData("other name", "it does not name 127.0.0.2")]
    [InlineData("not listed", "--known refuses it")]
    [InlineData("not pinned", "--pinned refuses it")]
    [InlineData("no certificate", "once it had seen our certificate, or that there is none")]
    [InlineData("plain text", "the handshake failed")]
    [InlineData("nobody", "127.0.0.1:")]
    [InlineData("clock", "from ours")]
    public async Task What_is_wrong_is_named(string fault, string said)
    {
        var shown = fault == "expired" ? _pki.Issue("server", DateTimeOffset.UtcNow.AddDays(-2), DateTimeOffset.UtcNow.AddDays(-1))
            : _pki.Issue("server");
        var findings = await AskAsync(shown, isAsking: fault == "no certificate", q => fault switch
        {
            "other CA" => q with { Authorities = _other.WriteAuthority(_directory) },
            "not listed" => q with { Known = _directory.Write("known", "another 0000000000000000000000000000000000000000\n") },
            "not pinned" => q with { Pinned = TestPki.Write(_directory, "pinned", _pki.Issue("server")).Certificate },
            "nobody" => q with { Url = new Uri("https://127.0.0.1:1") },
            _ => q with { Authorities = _pki.WriteAuthority(_directory) },
        }, isPlain: fault == "plain text", hour: fault == "clock" ? 1 : 0, address: fault == "other name" ? "127.0.0.2" : "127.0.0.1");
        Assert.Contains(findings, f => f.Verdict == TlsVerdict.Bad && f.Text.Contains(said, StringComparison.Ordinal));
    }

    [Fact]
    public async Task Files_that_cannot_be_read_are_named()
    {
        var refused = await Assert.ThrowsAsync<TlsSetupException>(
            () => AskAsync(_pki.Issue("server"), false, q => q with { Authorities = _directory.File("absent") }));
        Assert.Contains("absent", refused.Message);
    }

    /// <param name="hour">How far the server's clock is ahead.</param>
    private async Task<IReadOnlyList<TlsFinding>> AskAsync(X509Certificate2 shown, bool isAsking, Func<TlsQuestion, TlsQuestion> ask,
        bool isPlain = false, int hour = 0, string address = "127.0.0.1")
    {
        using var listener = new TcpListener(IPAddress.Parse(address), 0);
        listener.Start();
        var serving = ServeAsync(listener, shown, isAsking, isPlain, hour);
        var url = new Uri($"https://{address}:{((IPEndPoint)listener.LocalEndpoint).Port}");
        var question = ask(new TlsQuestion { Url = url });
        var findings = await TlsDoctor.AskAsync(question, TimeProvider.System, _timeout.Token);
        listener.Stop();
        await serving;
        return findings;
    }

    private async Task ServeAsync(TcpListener listener, X509Certificate2 shown, bool isAsking, bool isPlain, int hour)
    {
        try
        {
            using var socket = await listener.AcceptTcpClientAsync(_timeout.Token);
            var stream = socket.GetStream();
            var answer = $"HTTP/1.1 200 OK\r\nDate: {DateTimeOffset.UtcNow.AddHours(hour):R}\r\nContent-Length: 0\r\n\r\n";
            if (isPlain)
            {
                await stream.WriteAsync(Encoding.ASCII.GetBytes(answer), _timeout.Token);
                return;
            }
            await using var tls = new SslStream(stream);
            await tls.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = shown,
                ClientCertificateRequired = isAsking,
                RemoteCertificateValidationCallback = (_, certificate, _, _) => !isAsking || certificate is not null,
            }, _timeout.Token);
            await tls.WriteAsync(Encoding.ASCII.GetBytes(answer), _timeout.Token);
        }
        catch (Exception e) when (e is IOException or AuthenticationException or SocketException or OperationCanceledException
            or ObjectDisposedException)
        {
            // What the doctor saw is what counts.
        }
    }
}
