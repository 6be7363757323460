using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Istanbul;
using QuorumMesh.Node.Network.Rlpx;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>
/// One connection after Hello: a read loop that serves and delivers, a write loop that owns the sending side. Replies and
/// requests go before transactions; transactions are gathered into batches.
/// </summary>
internal sealed partial class Peer
{
    /// <summary>Control messages (replies, requests, pings) waiting at most.</summary>
    private const int ControlCapacity = 64;

    /// <summary>Reply bytes waiting at which this side stops reading: a peer that asks and does not take is slowed down.</summary>
    private const long MaxControlBytes = 32 * 1024 * 1024;

    private const int FlushAt = 128 * 1024;

    /// <summary>A request may wait so long while long frames come, one after the other, and none is its answer.</summary>
    private static readonly TimeSpan LongestRequest = TimeSpan.FromMinutes(20);

    private readonly RlpxConnection _connection;
    private readonly Socket _socket;
    private readonly PeerServerOptions _options;
    private readonly IPeerRequestHandler _handler;
    private readonly ILogger _logger;
    private readonly TimeProvider _time;
    private readonly IReadOnlyList<MatchedProtocol> _protocols;
    private readonly MatchedProtocol _eth;

    private readonly Channel<RlpxMessage> _control =
        Channel.CreateBounded<RlpxMessage>(new BoundedChannelOptions(ControlCapacity) { SingleReader = true });
    private readonly Channel<byte> _wake =
        Channel.CreateBounded<byte>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private readonly SemaphoreSlim _controlDrained = new(0, 1);
    private readonly TransactionQueue _transactions;
    private readonly KnownHashes _known;
    private readonly RecentTransactions _recent;
    private readonly RecentTransactions? _copies;
    private readonly PendingRequests _headers = new("headers");
    private readonly PendingRequests _bodies = new("bodies");
    private readonly CancellationTokenSource _stop = new();
    private readonly TaskCompletionSource _completed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    private long _controlBytes;
    private readonly TransferWatch _writing;
    private long _seenReceived;
    private long _lastProgress;
    private long _lastRead;
    private long _lastPing;
    private volatile bool _handling;
    private int _disconnectReason = -1;
    private string? _endReason;

    public Peer(
        RlpxConnection connection, Socket socket, HelloMessage hello, IReadOnlyList<MatchedProtocol> protocols, bool inbound, bool isStatic,
        PeerServerOptions options, IPeerRequestHandler handler, IstanbulHub hub, RecentTransactions recent,
        RecentTransactions? copies, ILogger logger, TimeProvider time)
    {
        _connection = connection;
        _socket = socket;
        _options = options;
        _handler = handler;
        _logger = logger;
        _time = time;
        _protocols = protocols;
        _hub = hub;
        _recent = recent;
        _copies = copies;
        _eth = ChainProtocol(protocols);
        _istanbul = protocols.FirstOrDefault(match => match.Protocol.CarriesConsensus);
        Istanbul = _istanbul is null ? null
            : new IstanbulPeer(connection.RemoteNodeId, Secp256k1.AddressOf(connection.RemoteId), _istanbul.Protocol.Version);
        _consensusRate = new RateLimit(ConsensusPerSecond, ConsensusBurst, time);
        _transactions = new TransactionQueue(options.TransactionQueueBytes);
        _known = new KnownHashes(options.KnownTransactions);
        _writing = new TransferWatch(time, options.WriteTimeout);
        TakesAnnouncements = _eth.Protocol.HasPooledTransactions && protocols.Any(match => match.Protocol == SubProtocol.Mesh1);
        _announceTimer = time.CreateTimer(static peer => ((Peer)peer!).AnnouncementDue(), this, Timeout.InfiniteTimeSpan,
            Timeout.InfiniteTimeSpan);
        ConnectedAt = _lastRead = _lastProgress = _lastPing = time.GetTimestamp();
        Info = new PeerInfo(
            connection.RemoteNodeId, hello.ClientName, [.. hello.Capabilities.Select(capability => capability.ToString())],
            AddressOf(socket.LocalEndPoint), AddressOf(socket.RemoteEndPoint), inbound, isStatic, _eth.Protocol.Version, UInt256.Zero,
            Hash256.Zero)
        {
            Protocol = _eth.Protocol.Name,
        };
    }

    public PeerInfo Info { get; private set; }

    public string NodeId => Info.NodeId;

    public long ConnectedAt { get; }

    /// <summary>See <see cref="RlpxConnection.Received"/>.</summary>
    public long Received => _connection.Received;

    /// <summary>Ends when both loops have ended and the runtime was told; never fails.</summary>
    public Task Completed => _completed.Task;

    /// <summary>Why it ended, once it has.</summary>
    public string EndReason => _endReason ?? "closed";

    /// <summary>Exchanges Status.</summary>
    /// <exception cref="PeerDisconnectException">Another network, or no proper Status.</exception>
    public async Task HandshakeAsync(PeerStatus own, CancellationToken limit)
    {
        using var either = CancellationTokenSource.CreateLinkedTokenSource(limit, _stop.Token);
        try
        {
            await ExchangeStatusAsync(own, either.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            throw new PeerDisconnectException(_disconnectReason < 0 ? DisconnectReason.Requested
                : (DisconnectReason)_disconnectReason, EndReason);
        }
    }

    /// <summary>Runs both loops until the connection ends.</summary>
    public async Task RunAsync()
    {
        _lastRead = _lastPing = _time.GetTimestamp();
        var writing = WriteLoopAsync();
        var reading = ReadLoopAsync();
        await Task.WhenAny(writing, reading).ConfigureAwait(false);
        RequestStop();
        await writing.ConfigureAwait(false);
        await reading.ConfigureAwait(false);
    }

    /// <summary>Fails whoever still waits for this peer. The connection itself is closed by its owner.</summary>
    public void Finish()
    {
        RequestStop();
        _announceTimer.Dispose();
        _headers.Close();
        _bodies.Close();
        _completed.TrySetResult();
    }

    /// <summary>Says goodbye with a reason and ends the connection, whatever its state.</summary>
    public void Disconnect(DisconnectReason reason, string why)
    {
        Interlocked.CompareExchange(ref _endReason, why, null);
        Interlocked.CompareExchange(ref _disconnectReason, (int)reason, -1);
        RequestStop();
    }

    /// <summary>Closes without a word.</summary>
    public void Abort(string why)
    {
        Interlocked.CompareExchange(ref _endReason, why, null);
        RequestStop();
        _connection.Abort();
    }

    public void EnqueueTransaction(in Hash256 hash, ReadOnlyMemory<byte> raw, bool evenIfKnown)
    {
        if (_known.Add(hash) || evenIfKnown)
            _transactions.Enqueue(hash, raw, Dropped);
    }

    /// <summary>Whether the peer has a transaction, or it is on its way to it.</summary>
    public bool Holds(Hash256 transaction) => _known.Contains(transaction);

    /// <summary>Lets the write loop look at its queues.</summary>
    public void Wake() => _wake.Writer.TryWrite(0);

    public Task<List<byte[]>> RequestHeadersAsync(HeaderQuery query, CancellationToken ct) =>
        RequestAsync(_headers, query.Amount, EthCode.GetBlockHeaders, EthMessages.EncodeGetHeaders(query), ct);

    public Task<List<byte[]>> RequestBodiesAsync(IReadOnlyList<Hash256> hashes, CancellationToken ct) =>
        RequestAsync(_bodies, hashes.Count, EthCode.GetBlockBodies, EthMessages.EncodeHashes(hashes), ct);

    /// <summary>Called about once a second: keep-alive and time limits.</summary>
    public void Maintain()
    {
        NoteProgress();
        // While this side is at work on a message, the silence is its own.
        if (!_handling && _time.GetElapsedTime(Interlocked.Read(ref _lastRead)) > _options.ReadTimeout)
            Disconnect(DisconnectReason.ReadTimeout, $"nothing heard for {_options.ReadTimeout.TotalSeconds:0} s");
        if (_writing.Look(_connection.Sent) is { } stuck)
            Abort(stuck);
        if (_time.GetElapsedTime(_lastPing) >= _options.PingInterval)
        {
            _lastPing = _time.GetTimestamp();
            TrySend(BaseMessages.Ping, BaseMessages.EmptyList.ToArray());
        }
        var oldest = Max(_headers.Expire(_options.RequestTimeout, Overdue), _bodies.Expire(_options.RequestTimeout, Overdue));
        if (oldest > 4 * _options.RequestTimeout)
            Disconnect(DisconnectReason.UselessPeer, "it does not answer requests");
    }

    private void Dropped(Hash256 hash)
    {
        _known.Remove(hash);
        NetworkMetrics.TransactionsDropped.Add(1);
    }

    /// <summary>A long message that goes on coming is no silence, however long it takes as a whole.</summary>
    private void NoteProgress()
    {
        var received = _connection.Received;
        if (received == _seenReceived) return;
        _seenReceived = received;
        _lastProgress = _time.GetTimestamp();
        Interlocked.Exchange(ref _lastRead, _lastProgress);
    }

    private TimeSpan Age(long sent) => _time.GetElapsedTime(sent);

    /// <summary>
    /// How long an answer has been waited for since something came that it may be, or may stand behind: they come in order.
    /// </summary>
    private TimeSpan Overdue(long sent) => Age(sent) is var age && age > LongestRequest ? age : Age(Math.Max(sent, _lastProgress));

    private static TimeSpan Max(TimeSpan a, TimeSpan b) => a > b ? a : b;

    private async Task ExchangeStatusAsync(PeerStatus own, CancellationToken ct)
    {
        var status = StatusRules.Own(own, _eth.Protocol);
        _connection.Write(_eth.Offset + EthCode.Status, status.Encode());
        await _connection.FlushAsync(ct).ConfigureAwait(false);
        while (true)
        {
            var message = await _connection.ReadAsync(ct).ConfigureAwait(false);
            if (message.Code < CapabilityMatcher.BaseLength)
            {
                HandleBeforeStatus(message);
                await _connection.FlushAsync(ct).ConfigureAwait(false);
                continue;
            }
            if (message.Code != _eth.Offset + EthCode.Status)
                throw new PeerDisconnectException(DisconnectReason.SubprotocolError,
                    $"The first message has code 0x{message.Code:x2}: it must be Status.");
            var remote = StatusRules.Check(message.Payload.Span, own, status, _eth.Protocol);
            Info = Info with { TotalDifficulty = remote.TotalDifficulty, Head = remote.Head };
            return;
        }
    }

    private async Task<List<byte[]>> RequestAsync(PendingRequests pending, int asked, int code, byte[] payload, CancellationToken ct)
    {
        var reply = pending.Add(asked, _time.GetTimestamp(), _options.MaxRequestsInFlight, id => TrySend(
            _eth.Offset + code, _eth.Protocol.HasRequestIds ? EthMessages.WithId(id, payload) : payload));
        return await reply.WaitAsync(ct).ConfigureAwait(false);
    }

    private bool TrySend(int code, byte[] payload)
    {
        if (!_control.Writer.TryWrite(new RlpxMessage(code, payload)))
            return false;
        Interlocked.Add(ref _controlBytes, payload.Length);
        Wake();
        return true;
    }

    /// <summary>Asynchronously: what follows must not run on the caller's thread, which may be the runtime's own loop.</summary>
    private void RequestStop() => _ = _stop.CancelAsync();

    public static string RemoteOf(Socket socket)
    {
        try
        {
            return AddressOf(socket.RemoteEndPoint);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return "a closed socket";
        }
    }

    private static string AddressOf(EndPoint? endPoint) => endPoint is IPEndPoint ip
        ? new IPEndPoint(ip.Address.IsIPv4MappedToIPv6 ? ip.Address.MapToIPv4() : ip.Address, ip.Port).ToString()
        : "";
}
