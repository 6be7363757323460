using System.Net.Sockets;
using QuorumMesh.Node.Network.Eth;

namespace QuorumMesh.Node.Network.Peers;

internal sealed partial class Peer
{
    private static readonly TimeSpan Linger = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan LingerWithin = TimeSpan.FromMilliseconds(3);
    private static readonly TimeSpan GoodbyeTimeout = TimeSpan.FromSeconds(1);

    private readonly List<ReadOnlyMemory<byte>> _batch = [];
    private long _lastBatch;

    private async Task WriteLoopAsync()
    {
        try
        {
            while (!_stop.IsCancellationRequested)
            {
                await WriteQueuedAsync().ConfigureAwait(false);
                await _wake.Reader.ReadAsync(_stop.Token).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException)
        {
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
        {
            Abort(e.Message);
            return;
        }
        await SayGoodbyeAsync().ConfigureAwait(false);
    }

    /// <summary>Writes until nothing is queued: consensus first, then control messages, then batches of transactions.</summary>
    private async Task WriteQueuedAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            await WriteConsensusAsync().ConfigureAwait(false);
            await WriteControlAsync().ConfigureAwait(false);
            WriteAnnouncements();
            if (_transactions.IsEmpty)
            {
                await FlushAsync().ConfigureAwait(false);
                return;
            }
            if (ShouldLinger())
            {
                await FlushAsync().ConfigureAwait(false);
                await Task.Delay(Linger, _stop.Token).ConfigureAwait(false);
            }
            WriteBatch();
            if (_connection.Pending >= FlushAt)
                await FlushAsync().ConfigureAwait(false);
        }
    }

    private async Task WriteControlAsync()
    {
        while (_control.Reader.TryRead(out var message))
        {
            _connection.Write(message.Code, message.Payload.Span);
            Interlocked.Add(ref _controlBytes, -message.Payload.Length);
            if (_controlDrained.CurrentCount == 0)
                _controlDrained.Release();
            if (_connection.Pending >= FlushAt)
            {
                await FlushAsync().ConfigureAwait(false);
                await WriteConsensusAsync().ConfigureAwait(false);
            }
        }
    }

    /// <summary>Only under load, when a batch has just gone and the next is not full, is it worth waiting for more.</summary>
    private bool ShouldLinger() =>
        _lastBatch != 0
        && !_transactions.HasBatch(EthLimits.TransactionBatchCount, EthLimits.TransactionBatchBytes)
        && _time.GetElapsedTime(_lastBatch) < LingerWithin;

    private void WriteBatch()
    {
        _batch.Clear();
        _transactions.Take(_batch, EthLimits.TransactionBatchCount, EthLimits.TransactionBatchBytes);
        if (_batch.Count == 0)
            return;
        _connection.Write(_eth.Offset + EthCode.Transactions, EthMessages.EncodeTransactions(_batch));
        NetworkMetrics.TransactionsSent.Add(_batch.Count);
        _lastBatch = _time.GetTimestamp();
        _batch.Clear();
    }

    private async Task FlushAsync()
    {
        _writing.Begin(_connection.Pending);
        await _connection.FlushAsync(_stop.Token).ConfigureAwait(false);
        _writing.End();
    }

    /// <summary>
    /// Sends the reason, if there is one, and leaves the other side a moment to read it: closing with unread bytes would reset
    /// the connection.
    /// </summary>
    private async Task SayGoodbyeAsync()
    {
        // A flush that was cancelled half way leaves a torn frame: nothing sensible can follow it.
        if (_disconnectReason < 0 || _writing.IsRunning)
            return;
        await GoodbyeAsync(_connection, _socket, (DisconnectReason)_disconnectReason).ConfigureAwait(false);
    }

    public static async Task GoodbyeAsync(Rlpx.RlpxConnection connection, Socket socket, DisconnectReason reason)
    {
        using var limit = new CancellationTokenSource(GoodbyeTimeout);
        try
        {
            connection.Write(BaseMessages.Disconnect, BaseMessages.EncodeDisconnect(reason));
            await connection.FlushAsync(limit.Token).ConfigureAwait(false);
            socket.Shutdown(SocketShutdown.Send);
            var sink = new byte[16 * 1024];
            while (await socket.ReceiveAsync(sink, limit.Token).ConfigureAwait(false) > 0)
            {
            }
        }
        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException or OperationCanceledException)
        {
            // The other side is gone or does not listen; the caller closes.
        }
    }
}
