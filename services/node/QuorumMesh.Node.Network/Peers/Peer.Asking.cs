using QuorumMesh.Node.Network.Eth;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Peers;

/// <summary>Transactions that the peer has announced and that this node asks it for (EIP-2464). Of the read loop alone.</summary>
internal sealed partial class Peer
{
    /// <summary>Requests for transactions that have no answer yet, so that a silent peer takes no memory.</summary>
    private const int MostAsked = 64;

    private readonly List<(ulong Id, long Sent, Hash256[] Hashes)> _asked = [];
    private ulong _lastAsked;

    /// <summary>
    /// Asks for the transactions of an announcement that this node has not seen; what comes is taken as if sent.
    /// </summary>
    private void AskForTransactions(List<Hash256> announced)
    {
        var unknown = Guard(() => _handler.UnknownOf(announced), []);
        // What it announces it has: it is not told of it.
        if (unknown.Count < announced.Count) _known.AddAll([.. announced.Except(unknown)]);
        foreach (var some in unknown.Where(hash => _known.Add(hash)).Chunk(EthLimits.PooledTransactionsPerRequest))
            Ask(some);
    }

    private void Ask(Hash256[] hashes)
    {
        // The oldest is first. An answer that comes after it was given up is taken all the same.
        while (_asked.Count > 0 && Age(_asked[0].Sent) > _options.RequestTimeout)
        {
            Forget(_asked[0].Hashes);
            _asked.RemoveAt(0);
        }
        var request = EthMessages.EncodeHashes(hashes);
        var id = ++_lastAsked;
        if (_eth.Protocol.HasRequestIds) request = EthMessages.WithId(id, request);
        if (_asked.Count < MostAsked && TrySend(_eth.Offset + EthCode.GetPooledTransactions, request))
            _asked.Add((id, _time.GetTimestamp(), hashes));
        else
            Forget(hashes);
    }

    /// <summary>
    /// An answer may be cut, and hold only some of what was asked for (EIP-2464): the rest is asked for again while anything comes.
    /// </summary>
    private void HandlePooledTransactions(ulong? id, ReadOnlyMemory<byte> payload)
    {
        var came = HandleTransactions(payload);
        // Without ids answers come in order; one that comes too late is known by what is in it.
        var index = id is { } known ? _asked.FindIndex(request => request.Id == known)
            : came.Length == 0 ? _asked.Count > 0 ? 0 : -1
            : _asked.FindIndex(request => request.Hashes.Contains(came[0]));
        if (index < 0) return;
        var asked = _asked[index].Hashes;
        _asked.RemoveAt(index);
        Hash256[] missing = [.. asked.Except(came)];
        if (missing.Length == 0) return;
        if (missing.Length == asked.Length)
        {
            // It has none of them any more: who sends or announces one from here on is heard.
            Forget(missing);
            return;
        }
        // Others may have sent some meanwhile.
        if (Guard(() => _handler.UnknownOf(missing), []) is { Count: > 0 } wanted) Ask([.. wanted]);
    }

    private void Forget(Hash256[] hashes)
    {
        foreach (var hash in hashes) _known.Remove(hash);
    }
}
