using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Runtime.Ports;

/// <summary>A consensus message as a peer sent it: nothing in it is checked but its length and that it is one RLP item.</summary>
/// <param name="from">The peer that sent it, which need not be the one that signed it.</param>
/// <param name="code">0x11 for IBFT, 0x12-0x15 for QBFT.</param>
/// <param name="payload">RLP of the message, without the byte string that IBFT wraps it in; at most 10 MiB.</param>
/// <param name="released">Called by the first <see cref="Release"/>.</param>
public sealed class IstanbulMessage(IstanbulPeer from, int code, ReadOnlyMemory<byte> payload, Action<IstanbulMessage>? released = null)
{
    private Action<IstanbulMessage>? _released = released;

    /// <summary>The peer that sent it.</summary>
    public IstanbulPeer From { get; } = from;

    /// <summary>0x11 for IBFT, 0x12-0x15 for QBFT.</summary>
    public int Code { get; } = code;

    /// <summary>RLP of the message.</summary>
    public ReadOnlyMemory<byte> Payload { get; } = payload;

    /// <summary>Gives back the place that it took among the messages of its peer. Any number of times, on any thread.</summary>
    public void Release() => Interlocked.Exchange(ref _released, null)?.Invoke(this);
}
