using QuorumMesh.Consensus.Raft;
using QuorumMesh.Outbound;

namespace QuorumMesh.Node.Network.RaftHttp;

/// <summary>All connections with one member.</summary>
internal sealed class RaftHttpPeer : IDisposable
{
    private readonly CancellationTokenSource _stop = new();
    private readonly RaftPipeline _pipeline;
    private readonly RaftStreamWriter _messages, _appends;
    private readonly CompactSender? _compact;
    private readonly RaftTransport.Events _events;
    private readonly Task _running;

    private readonly RaftConnector _connector;

    public RaftHttpPeer(RaftAddress address, RaftTransportOptions options, OutboundHandlers handlers, RaftTransport.Events events)
    {
        (Address, Url, _events) = (address, address.RaftUrl, events);
        _connector = new RaftConnector(address, options, handlers);
        var id = address.RaftId;
        _pipeline = new RaftPipeline(Http, Url, id, options, events);
        _compact = options.Transactions is { } held ? new CompactSender(held, address, options) : null;
        var rebuild = options.Transactions is { } own ? new CompactReceiver(own, _connector, Url, options) : null;
        _messages = new RaftStreamWriter(id, _ => new MessageStreamEncoder(), options, events.Unreachable);
        _appends = new RaftStreamWriter(id, isCompact => new AppendStreamEncoder(isCompact ? _compact : null), options,
            events.Unreachable);
        var messages = new RaftStreamReader(_connector, Url, RaftHttpHeaders.MessageStream, id, options,
            r => new MessageStreamDecoder(r), events);
        var appends = new RaftStreamReader(_connector, Url, RaftHttpHeaders.AppendStream, id, options,
            r => new AppendStreamDecoder(r, options.Id, id, options.MaxFrameSize, rebuild), events, rebuild);
        List<Func<Task>> work = [() => _pipeline.RunAsync(_stop.Token), () => messages.RunAsync(_stop.Token),
            () => appends.RunAsync(_stop.Token)];
        _running = RunAsync(work);
    }

    public RaftAddress Address { get; }
    public ulong Id => Address.RaftId;
    public Uri Url { get; }

    /// <summary>For what is asked of this member besides its streams; of no use once it is dropped.</summary>
    public HttpClient Http => _connector.Http;

    /// <summary>The member lacks transactions that blocks went without.</summary>
    public void Lacks(int transactions) => _compact?.Asked(transactions);

    public RaftStreamWriter Messages => _messages;
    public RaftStreamWriter Appends => _appends;
    public Task Completion => _running;

    /// <summary>
    /// etcd's choice: snapshots by post; appends on their stream; the rest on the message stream; by post while there is no
    /// stream.
    /// </summary>
    public void Send(RaftMessage m)
    {
        var sent = m.Type switch
        {
            RaftMessageType.Snap => _pipeline.TrySend(m),
            RaftMessageType.App when _appends.IsConnected => _appends.TrySend(m),
            _ when _messages.IsConnected => _messages.TrySend(m),
            _ => _pipeline.TrySend(m),
        };
        // Dropped, never waited for: Raft sends anew what it needs, and the core hears that something may be lost.
        if (sent) return;
        _events.Unreachable(Id);
        if (m.Type == RaftMessageType.Snap) _events.SnapshotSent(Id, false);
    }

    /// <summary>Hears nothing more. What waits on the streams still goes out: the word that the member was removed may be in it.</summary>
    public void Leave()
    {
        _stop.Cancel();
        _messages.Close();
        _appends.Close();
    }

    public void Dispose()
    {
        _stop.Cancel();
        _messages.Dispose();
        _appends.Dispose();
    }

    private async Task RunAsync(List<Func<Task>> work)
    {
        await Task.WhenAll(work.Select(Task.Run)).ConfigureAwait(false);
        _connector.Dispose();
    }
}
