using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Network.Istanbul;

/// <summary>
/// Where the consensus messages of all peers meet their handler. What waits there is bounded for each peer, so that one that floods loses
/// its own messages and nobody else's, for all together, and for those who are no validators: however many they are, validators have room.
/// </summary>
internal sealed class IstanbulHub
{
    private const int HeldCount = 16_384;
    private const long HeldBytes = 128L * 1024 * 1024;

    private const int OthersPart = 4;

    private readonly HeldMessages _all = new(HeldCount, HeldBytes);
    private readonly HeldMessages _ofOthers = new(HeldCount / OthersPart, HeldBytes / OthersPart);
    private volatile IIstanbulHandler? _handler;

    /// <exception cref="InvalidOperationException">There is one already.</exception>
    public void Hear(IIstanbulHandler handler)
    {
        if (Interlocked.CompareExchange(ref _handler, handler, null) is not null)
            throw new InvalidOperationException("Consensus messages have a handler already.");
    }

    /// <param name="ofPeer">What its peer has there.</param>
    /// <returns>False when it was dropped.</returns>
    public bool TryDeliver(IstanbulPeer from, int code, ReadOnlyMemory<byte> message, HeldMessages ofPeer)
    {
        if (_handler is not { } handler)
            return false;
        HeldMessages[] bounds = handler.IsValidator(from.Address) ? [ofPeer, _all] : [ofPeer, _ofOthers, _all];
        int held = bounds.TakeWhile(bound => bound.TryHold(message.Length)).Count();
        if (held < bounds.Length)
        {
            Release(bounds.AsSpan(0, held), message.Length);
            return false;
        }
        handler.OnIstanbul(new IstanbulMessage(from, code, message, done => Release(bounds, done.Payload.Length)));
        return true;
    }

    public void PeersChanged() => _handler?.OnIstanbulPeersChanged();

    /// <summary>What a message is known by, however it was wrapped.</summary>
    public static Hash256 Digest(ReadOnlyMemory<byte> message) => Keccak.Hash(message.Span);

    private static void Release(ReadOnlySpan<HeldMessages> bounds, int bytes)
    {
        foreach (var bound in bounds)
            bound.Release(bytes);
    }
}
