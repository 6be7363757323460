using System.Buffers.Binary;
using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using QuorumMesh.Consensus.Raft;
using QuorumMesh.Listeners;
using QuorumMesh.Primitives;
using QuorumMesh.Tls;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>The listener: etcd's rafthttp handlers with its checks, status codes and texts.</summary>
internal sealed class RaftHttpServer(RaftTransportOptions options, RaftTransport.Events host) : IAsyncDisposable
{
    private readonly ByteBudget _budget = new("raft", options.MaxPostBytes);
    private readonly RaftCallers _callers = new(options, host);
    private WebApplication? _app;

    public int Port { get; private set; }

    public async Task StartAsync()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.Services.AddSingleton<IHostLifetime, NoLifetime>();
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(1));
        builder.Logging.ClearProviders();
        builder.WebHost.UseKestrelCore().ConfigureKestrel(Configure).UseSockets(o => o.CreateBoundListenSocket = endpoint =>
        {
            var socket = SocketTransportOptions.CreateDefaultBoundListenSocket(endpoint);
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true); // accepted sockets inherit it
            return socket;
        });
        var app = builder.Build();
        app.Run(HandleAsync);
        try
        {
            await app.StartAsync().ConfigureAwait(false);
        }
        catch (IOException e)
        {
            await app.DisposeAsync().ConfigureAwait(false);
            throw new IOException($"cannot listen for raft on {options.Listen}: {e.Message} Choose another port with --raftport.", e);
        }
        Port = new Uri(app.Urls.First()).Port;
        _app = app;
    }

    public async ValueTask DisposeAsync()
    {
        if (_app is null) return;
        await _app.StopAsync().ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    private void Configure(KestrelServerOptions kestrel)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MinRequestBodyDataRate = null;
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.MaxConcurrentConnections = 1024;
        kestrel.Limits.MaxRequestBodySize = null; // bounded by the handler: a refusal is read, not overtaken by a reset
        kestrel.Limits.RequestHeadersTimeout = options.ReadTimeout;
        kestrel.Listen(options.Listen, listen =>
        {
            listen.Protocols = HttpProtocols.Http1;
            if (options.Tls is { } tls) TlsListener.UseEither(listen, Server(tls), tls.TakesPlainText);
        });
    }

    private static TlsServer Server(RaftTlsOptions tls)
    {
        var server = new TlsServer("raft", tls.Certificate, tls.Members.Anybody, TlsServer.Strict) { HandshakeTime = tls.HandshakeTime };
        server.Told += tls.Tell;
        return server;
    }

    private Task HandleAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        if (path == RaftHttpHeaders.Prefix) return PostAsync(context, PipelineAsync);
        if (path == RaftHttpHeaders.Snapshot) return PostAsync(context, SnapshotAsync);
        if (path == RaftHttpHeaders.Members) return MembersAsync(context);
        if (path == RaftHttpHeaders.Transactions) return PostAsync(context, TransactionsAsync);
        if (path == RaftHttpHeaders.Probing) return context.Response.WriteAsJsonAsync(new { OK = true, Now = DateTime.UtcNow });
        if (path.StartsWith(RaftHttpHeaders.MessageStream, StringComparison.Ordinal))
            return StreamAsync(context, path[RaftHttpHeaders.MessageStream.Length..], p => p.Messages);
        if (path.StartsWith(RaftHttpHeaders.AppendStream, StringComparison.Ordinal))
            return StreamAsync(context, path[RaftHttpHeaders.AppendStream.Length..], p => p.Appends);
        return ErrorAsync(context, StatusCodes.Status404NotFound, "invalid path");
    }

    private async Task PostAsync(HttpContext context, Func<HttpContext, Task> handle)
    {
        if (!await AcceptAsync(context, HttpMethods.Post).ConfigureAwait(false)) return;
        try
        {
            await handle(context).ConfigureAwait(false);
        }
        catch (BudgetExceededException e)
        {
            await ErrorAsync(context, StatusCodes.Status503ServiceUnavailable, e.Message).ConfigureAwait(false);
        }
        catch (TimeoutException e)
        {
            await ErrorAsync(context, StatusCodes.Status408RequestTimeout, e.Message).ConfigureAwait(false);
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException e)
        {
            await ErrorAsync(context, e.StatusCode, "error reading raft message").ConfigureAwait(false);
        }
        catch (Exception e) when (e is FormatException or EndOfStreamException)
        {
            await ErrorAsync(context, StatusCodes.Status400BadRequest, $"error unmarshalling raft message: {e.Message}")
                .ConfigureAwait(false);
        }
    }

    private async Task PipelineAsync(HttpContext context)
    {
        RaftMessage message;
        using (var body = await ReadAsync(context).ConfigureAwait(false))
            message = RaftWire.DecodeMessage(body.Bytes.Span);
        await TakeAsync(context, message).ConfigureAwait(false);
    }

    /// <summary>
    /// u64 length ‖ message ‖ database. The database is etcd's own and means nothing here; the message carries the snapshot.
    /// </summary>
    private async Task SnapshotAsync(HttpContext context)
    {
        RaftMessage message;
        using (var body = await ReadAsync(context).ConfigureAwait(false))
            message = RaftWire.DecodeMessage(Framed(body.Bytes.Span));
        if (message.Type == RaftMessageType.Snap) await TakeAsync(context, message).ConfigureAwait(false);
        else await ErrorAsync(context, StatusCodes.Status400BadRequest, "wrong raft message type").ConfigureAwait(false);
    }

    private async Task<BoundedBody> ReadAsync(HttpContext context) =>
        await BoundedBody.ReadAsync(context.Request, options.MaxPostSize, _budget, options.PostTime).ConfigureAwait(false)
        ?? throw new Microsoft.AspNetCore.Http.BadHttpRequestException("too long", StatusCodes.Status413PayloadTooLarge);

    private static ReadOnlySpan<byte> Framed(ReadOnlySpan<byte> body)
    {
        if (body.Length < sizeof(ulong)) throw new RaftFormatException("a snapshot begins with the length of its message");
        var length = BinaryPrimitives.ReadUInt64BigEndian(body);
        var rest = body[sizeof(ulong)..];
        return length <= (ulong)rest.Length ? rest[..(int)length]
            : throw new RaftFormatException($"raft frame of {length} bytes; {rest.Length} are there");
    }

    /// <summary>
    /// Whoever posts can name any sender. So only what comes on a stream, which this member has asked the sender's own address
    /// for, is heard; what was posted comes again that way, since each side asks for its streams all the while. A snapshot
    /// comes by post alone, and the core lets it wait for the leader's word.
    /// </summary>
    private async Task TakeAsync(HttpContext context, RaftMessage message)
    {
        // etcd's answer, by which a removed GoQuorum learns that it is out.
        if (host.IsRemoved(message.From))
            await ErrorAsync(context, StatusCodes.Status403Forbidden, "the member has been permanently removed from the cluster")
            .ConfigureAwait(false);
        else if (message.To != options.Id)
            await ErrorAsync(context, StatusCodes.Status400BadRequest, $"message is for member {message.To:x}, this is {options.Id:x}")
            .ConfigureAwait(false);
        else await TakeAddressedAsync(context, message).ConfigureAwait(false);
    }

    private async Task TakeAddressedAsync(HttpContext context, RaftMessage message)
    {
        host.Unknown(message.From);
        if (context.Request.Headers[RaftHttpHeaders.ServerFrom] is [{ } sender] && sender != RaftHttpHeaders.Id(message.From))
            await RefuseAsync(context, message, "sender-mismatch", "the message is another sender's").ConfigureAwait(false);
        else if (host.Peer(message.From) is not { } peer)
            await RefuseAsync(context, message, "unknown-sender", "the sender is no member known here").ConfigureAwait(false);
        else if (_callers.Refuse(context, peer) is { } refusal)
            await RefuseAsync(context, message, refusal.Reason, refusal.Text).ConfigureAwait(false);
        else if (message.Type != RaftMessageType.Snap)
            await RefuseAsync(context, message, "not-by-post", "raft messages are taken from streams, and only snapshots by post")
                .ConfigureAwait(false);
        else
        {
            host.Posted(message);
            context.Response.StatusCode = StatusCodes.Status204NoContent;
        }
    }

    private Task RefuseAsync(HttpContext context, RaftMessage message, string reason, string text)
    {
        host.Refused(message, reason);
        return ErrorAsync(context, StatusCodes.Status503ServiceUnavailable, text);
    }

    private async Task MembersAsync(HttpContext context)
    {
        if (!await AcceptAsync(context, HttpMethods.Get).ConfigureAwait(false)) return;
        if (_callers.RefuseQuestion(context) is { } refusal)
        {
            await ErrorAsync(context, StatusCodes.Status503ServiceUnavailable, refusal.Text).ConfigureAwait(false);
            return;
        }
        var members = host.Members;
        if (members.Length == 0)
        {
            await ErrorAsync(context, StatusCodes.Status404NotFound, "no membership is applied yet").ConfigureAwait(false);
            return;
        }
        (context.Response.ContentType, context.Response.ContentLength) = ("application/octet-stream", members.Length);
        await context.Response.Body.WriteAsync(members, context.RequestAborted).ConfigureAwait(false);
    }

    /// <summary>All that were asked for, or nothing: a block cannot be made whole with some of them.</summary>
    private async Task TransactionsAsync(HttpContext context)
    {
        var (asking, refusal) = _callers.Identify(context);
        if (asking is null)
        {
            await ErrorAsync(context, StatusCodes.Status503ServiceUnavailable, refusal!.Text).ConfigureAwait(false);
            return;
        }
        Hash256[] hashes;
        using (var body = await ReadAsync(context).ConfigureAwait(false))
            hashes = RaftTransactionsWire.DecodeQuestion(body.Bytes.Span);
        if (options.Transactions?.Find(hashes) is not { } found || Array.Exists(found, static raw => raw.IsEmpty))
        {
            await ErrorAsync(context, StatusCodes.Status404NotFound, "not all of these transactions are here").ConfigureAwait(false);
            return;
        }
        asking.Lacks(hashes.Length);
        using var lease = _budget.Lease();
        if (found.Sum(static raw => (long)raw.Length) is var size && (size > options.MaxFrameSize / 2 || !lease.TryHold(2 * size)))
        {
            await ErrorAsync(context, StatusCodes.Status503ServiceUnavailable, "too much is under way").ConfigureAwait(false);
            return;
        }
        var answer = RaftTransactionsWire.EncodeAnswer(found);
        (context.Response.ContentType, context.Response.ContentLength) = ("application/octet-stream", answer.Length);
        await BoundedAnswer.WriteAsync(context, answer, options.PostTime).ConfigureAwait(false);
    }

    private async Task StreamAsync(HttpContext context, string fromText, Func<RaftHttpPeer, RaftStreamWriter> writer)
    {
        context.Response.Headers[RaftHttpHeaders.ServerVersion] = RaftHttpHeaders.OwnVersion;
        context.Response.Headers[RaftHttpHeaders.Features] = RaftHttpHeaders.PreVote;
        if (!await AcceptAsync(context, HttpMethods.Get).ConfigureAwait(false)) return;
        if (!RaftHttpHeaders.TryParseId(fromText, out var from))
        {
            await ErrorAsync(context, StatusCodes.Status404NotFound, "invalid from").ConfigureAwait(false);
            return;
        }
        if (host.IsRemoved(from))
        {
            await ErrorAsync(context, StatusCodes.Status410Gone, "removed member").ConfigureAwait(false);
            return;
        }
        if (host.Peer(from) is not { } peer)
        {
            host.Unknown(from);
            await ErrorAsync(context, StatusCodes.Status404NotFound, "error sender not found").ConfigureAwait(false);
            return;
        }
        if (context.Request.Headers[RaftHttpHeaders.RaftTo] != RaftHttpHeaders.Id(options.Id))
        {
            await ErrorAsync(context, StatusCodes.Status412PreconditionFailed, "to field mismatch").ConfigureAwait(false);
            return;
        }
        if ((_callers.Refuse(context, peer) ?? _callers.RefuseTakeover(context, writer(peer))) is { } refusal)
        {
            host.Refused(from, "stream", refusal.Reason);
            await ErrorAsync(context, StatusCodes.Status503ServiceUnavailable, refusal.Text).ConfigureAwait(false);
            return;
        }
        using var counted = NetworkMetrics.PlainStream(!context.Request.IsHttps);
        context.Features.Get<IHttpResponseBodyFeature>()?.DisableBuffering();
        await context.Response.StartAsync(context.RequestAborted).ConfigureAwait(false);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted).ConfigureAwait(false);
        var isCompact = context.Request.Headers[RaftHttpHeaders.Compact] == RaftHttpHeaders.CompactForm;
        await writer(peer).ServeAsync(context.Response.BodyWriter, context.Request.IsHttps, isCompact, context.RequestAborted)
            .ConfigureAwait(false);
        context.Abort(); // a stream never ends in good order: the reader sees at once that it is gone
    }

    private async Task<bool> AcceptAsync(HttpContext context, string method)
    {
        if (context.Request.Method != method)
        {
            context.Response.Headers.Allow = method;
            await ErrorAsync(context, StatusCodes.Status405MethodNotAllowed, "Method Not Allowed").ConfigureAwait(false);
            return false;
        }
        context.Response.Headers[RaftHttpHeaders.ClusterId] = RaftHttpHeaders.Id(options.ClusterId);
        if (RaftHttpHeaders.Refuse(context.Request.Headers, options.ClusterId) is not { } reason) return true;
        await ErrorAsync(context, StatusCodes.Status412PreconditionFailed, reason).ConfigureAwait(false);
        return false;
    }

    private static Task ErrorAsync(HttpContext context, int status, string text)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        return context.Response.WriteAsync(text + "\n");
    }

    /// <summary>The node's host owns signals; this listener must not.</summary>
    private sealed class NoLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;
        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
