using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using QuorumMesh.Tests.Shared;
using QuorumMesh.Tls;

namespace QuorumMesh.Listeners.Tests;

/// <summary>One port for TLS and plain text.</summary>
public sealed class TlsListenerTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly TempDirectory _directory = new();
    private readonly TestPki _pki = new();
    private readonly TlsMaterials _materials = new(TimeProvider.System);
    private readonly ConcurrentQueue<string> _told = new();
    private readonly CancellationTokenSource _timeout = new(Patience);
    private WebApplication? _app;

    public Task InitializeAsync() => Task.CompletedTask;

    public async Task DisposeAsync()
    {
        if (_app is not null) await _app.DisposeAsync();
        _materials.Dispose();
        _pki.Dispose();
        _directory.Dispose();
        _timeout.Dispose();
    }

    [Theory]
    [InlineData("http")]
    [InlineData("https")]
    public async Task Each_request_knows_how_it_came(string scheme)
    {
        var port = await Serve(takesPlain: true);
        Assert.Equal(scheme, await Http().GetStringAsync($"{scheme}://127.0.0.1:{port}/", _timeout.Token));
    }

    [Fact]
    public async Task Plain_text_is_hung_up_on_where_it_is_not_taken()
    {
        var port = await Serve(takesPlain: false);
        await Assert.ThrowsAsync<HttpRequestException>(() => Http().GetStringAsync($"http://127.0.0.1:{port}/", _timeout.Token));
        Assert.Contains("plain text", Assert.Single(_told));
        Assert.Equal("https", await Http().GetStringAsync($"https://127.0.0.1:{port}/", _timeout.Token));
    }

    [Fact]
    public async Task A_request_that_comes_byte_by_byte_is_whole()
    {
        var port = await Serve(takesPlain: true);
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port, _timeout.Token);
        foreach (var part in new[] { "G", "E", "T / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n" })
        {
            await tcp.GetStream().WriteAsync(System.Text.Encoding.ASCII.GetBytes(part), _timeout.Token);
            await Task.Delay(20, _timeout.Token);
        }
        using var reader = new StreamReader(tcp.GetStream());
        Assert.Equal("HTTP/1.1 200 OK", await reader.ReadLineAsync(_timeout.Token));
    }

    [Fact]
    public async Task A_connection_that_says_nothing_is_closed_in_time()
    {
        var port = await Serve(takesPlain: true, TimeSpan.FromMilliseconds(200));
        using var tcp = new TcpClient();
        await tcp.ConnectAsync(IPAddress.Loopback, port, _timeout.Token);
        // Reset or ended in good order: what counts is that it is over.
        var closed = await Record.ExceptionAsync(
            async () => Assert.Equal(0, await tcp.GetStream().ReadAsync(new byte[1], _timeout.Token)));
        Assert.True(closed is null or IOException, $"{closed}");
    }

    private static HttpClient Http()
    {
        var handler = new SocketsHttpHandler { UseProxy = false };
        handler.SslOptions.RemoteCertificateValidationCallback = static (_, _, _, _) => true;
        return new HttpClient(handler);
    }

    private async Task<int> Serve(bool takesPlain, TimeSpan? time = null)
    {
        var (certificate, key) = TestPki.Write(_directory, "server", _pki.Issue("server"));
        var source = _materials.Certificate("test", "--cert", CertificateFiles.Pem("--cert", certificate, key));
        var server = new TlsServer("test", source, clients: null) { HandshakeTime = time ?? TimeSpan.FromSeconds(10) };
        server.Told += _told.Enqueue;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            TlsListener.UseEither(listen, server, takesPlain);
        }));
        _app = builder.Build();
        _app.Run(context => context.Response.WriteAsync(context.Request.Scheme));
        await _app.StartAsync(_timeout.Token);
        return new Uri(_app.Urls.Single()).Port;
    }
}
