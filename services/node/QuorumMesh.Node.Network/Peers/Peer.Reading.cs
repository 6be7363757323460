using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Node.Network.Istanbul;
using QuorumMesh.Node.Network.Rlpx;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

internal sealed partial class Peer
{
    private async Task ReadLoopAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                var message = await _connection.ReadAsync(_stop.Token).ConfigureAwait(false);
                _handling = true;
                if (message.Code < CapabilityMatcher.BaseLength)
                    await HandleBaseAsync(message).ConfigureAwait(false);
                else
                    await HandleSubProtocolAsync(message).ConfigureAwait(false);
                Interlocked.Exchange(ref _lastRead, _time.GetTimestamp());
                _handling = false;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The write loop says goodbye; the connection stays open for it.
        }
        catch (PeerDisconnectException e)
        {
            EndReading(e.Remote ? null : e.Reason, e.Message);
        }
        catch (FormatException e)
        {
            EndReading(DisconnectReason.SubprotocolError, e.Message);
        }
        catch (RlpxException e)
        {
            EndReading(DisconnectReason.ProtocolError, e.Message);
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException
            or InvalidOperationException)
        {
            EndReading(null, e.Message);
        }
    }

    private void EndReading(DisconnectReason? reason, string why)
    {
        if (reason is { } code)
            Disconnect(code, why);
        else
            Abort(why);
    }

    /// <summary>Base messages are allowed while Status is awaited.</summary>
    private void HandleBeforeStatus(RlpxMessage message)
    {
        CheckBase(message);
        if (message.Code == BaseMessages.Ping)
            _connection.Write(BaseMessages.Pong, BaseMessages.EmptyList);
    }

    private async ValueTask HandleBaseAsync(RlpxMessage message)
    {
        CheckBase(message);
        if (message.Code == BaseMessages.Ping)
            await ReplyAsync(BaseMessages.Pong, BaseMessages.EmptyList.ToArray()).ConfigureAwait(false);
    }

    private static void CheckBase(RlpxMessage message)
    {
        if (message.Payload.Length > BaseMessages.MaxSize)
            throw new PeerDisconnectException(DisconnectReason.ProtocolError, $"A base message has {message.Payload.Length} bytes.");
        if (message.Code == BaseMessages.Disconnect)
            throw PeerDisconnectException.FromRemote(BaseMessages.DecodeDisconnect(message.Payload.Span));
        if (message.Code == BaseMessages.Hello)
            throw new PeerDisconnectException(DisconnectReason.ProtocolError, "A second Hello.");
    }

    private ValueTask HandleSubProtocolAsync(RlpxMessage message)
    {
        var match = CapabilityMatcher.Find(_protocols, message.Code)
            ?? throw new PeerDisconnectException(DisconnectReason.ProtocolError,
                $"Message code 0x{message.Code:x2} belongs to no protocol agreed on.");
        int code = message.Code - match.Offset;
        if (match == _istanbul && code >= IstanbulCode.Ibft)
        {
            HandleConsensus(code, message.Payload);
            return ValueTask.CompletedTask;
        }
        // A second protocol for the chain beside the one in use.
        if (match != _eth)
            return ValueTask.CompletedTask;
        return HandleEthAsync(code, message.Payload);
    }

    private async ValueTask HandleEthAsync(int code, ReadOnlyMemory<byte> payload)
    {
        ulong? id = null;
        if (_eth.Protocol.HasRequestIds && EthCode.HasId(code))
            (id, payload) = EthMessages.WithoutId(payload);
        switch (code)
        {
            case EthCode.Status:
                throw new PeerDisconnectException(DisconnectReason.SubprotocolError, "A second Status.");
            case EthCode.Transactions:
                HandleTransactions(payload);
                break;
            case EthCode.GetBlockHeaders:
                var query = EthMessages.DecodeGetHeaders(payload.Span);
                var headers = Guard(() => _handler.GetHeaders(query), []);
                await AnswerAsync(EthCode.BlockHeaders, id, EthMessages.EncodeReply(headers, query.Amount)).ConfigureAwait(false);
                break;
            case EthCode.GetBlockBodies:
                var hashes = EthMessages.DecodeHashes(payload.Span, EthLimits.BodiesPerReply);
                var bodies = Guard(() => _handler.GetBodies(hashes), []);
                await AnswerAsync(EthCode.BlockBodies, id, EthMessages.EncodeReply(bodies, EthLimits.BodiesPerReply)).ConfigureAwait(false);
                break;
            case EthCode.BlockHeaders:
                HandleReply(_headers, id, payload);
                break;
            case EthCode.BlockBodies:
                HandleReply(_bodies, id, payload);
                break;
            case EthCode.NewBlockHashes:
                HandleNewBlockHashes(payload);
                break;
            case EthCode.NewBlock:
                HandleNewBlock(payload);
                break;
            case EthCode.NewPooledTransactionHashes when _eth.Protocol.HasPooledTransactions:
                AskForTransactions(EthMessages.DecodeHashes(payload.Span, EthLimits.TransactionHashesPerMessage));
                break;
            case EthCode.GetPooledTransactions when _eth.Protocol.HasPooledTransactions:
                await AnswerAnnouncedAsync(id, payload).ConfigureAwait(false);
                break;
            case EthCode.PooledTransactions when _eth.Protocol.HasPooledTransactions:
                HandlePooledTransactions(id, payload);
                break;
            default:
                _logger.LogDebug("Peer {NodeId} sent eth message 0x{Code:x2}, which this node does not serve", NodeId, code);
                break;
        }
    }

    /// <summary>Their hashes, in order.</summary>
    private Hash256[] HandleTransactions(ReadOnlyMemory<byte> payload)
    {
        var transactions = EthMessages.DecodeTransactions(payload);
        if (transactions.Count == 0)
            return [];
        var hashes = new Hash256[transactions.Count];
        for (int i = 0; i < hashes.Length; i++)
            hashes[i] = Keccak.Hash(transactions[i].Span);
        // What a peer sent it has: it is not sent back.
        _known.AddAll(hashes);
        // Before senders are recovered, which takes its time: a block that names them may be here already.
        _copies?.AddCopies(hashes, transactions);
        NetworkMetrics.TransactionsReceived.Add(hashes.Length);
        Guard(() => _handler.OnTransactions(NodeId, transactions));
        return hashes;
    }

    private void HandleReply(PendingRequests pending, ulong? id, ReadOnlyMemory<byte> payload)
    {
        if (pending.AskedBy(id) is not { } asked)
        {
            _logger.LogDebug("Peer {NodeId} sent a reply nobody asked for", NodeId);
            return;
        }
        pending.Complete(id, EthMessages.DecodeReply(payload.Span, asked));
    }

    private Task AnswerAsync(int code, ulong? id, byte[] reply) =>
        ReplyAsync(_eth.Offset + code, id is { } known ? EthMessages.WithId(known, reply) : reply).AsTask();

    /// <summary>Queues a reply; waits, and thereby stops reading, while too much is queued.</summary>
    private async ValueTask ReplyAsync(int code, byte[] payload)
    {
        while (Interlocked.Read(ref _controlBytes) > MaxControlBytes)
            await _controlDrained.WaitAsync(_stop.Token).ConfigureAwait(false);
        Interlocked.Add(ref _controlBytes, payload.Length);
        await _control.Writer.WriteAsync(new RlpxMessage(code, payload), _stop.Token).ConfigureAwait(false);
        Wake();
    }

    /// <summary>A fault of this node's own handler is logged and does not cost the connection.</summary>
    private T Guard<T>(Func<T> call, T fallback)
    {
        try
        {
            return call();
        }
        catch (Exception e)
        {
            _logger.LogError(e, "Handling a message of peer {NodeId} failed", NodeId);
            return fallback;
        }
    }

    private void Guard(Action call) => Guard(
        () =>
        {
            call();
            return true;
        },
        true);
}
