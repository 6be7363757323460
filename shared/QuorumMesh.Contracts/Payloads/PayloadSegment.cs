using System.Buffers;

namespace QuorumMesh.Contracts.Payloads;

/// <summary>A piece of an encoded payload.</summary>
internal sealed class PayloadSegment : ReadOnlySequenceSegment<byte>
{
    private PayloadSegment(ReadOnlyMemory<byte> memory, PayloadSegment? before)
    {
        Memory = memory;
        if (before is null)
        {
            return;
        }

        RunningIndex = before.RunningIndex + before.Memory.Length;
        before.Next = this;
    }

    /// <summary>The three one after the other, none of them copied.</summary>
    public static ReadOnlySequence<byte> Join(ReadOnlyMemory<byte> head, ReadOnlyMemory<byte> middle, ReadOnlyMemory<byte> tail)
    {
        var first = new PayloadSegment(head, null);
        var last = new PayloadSegment(tail, new PayloadSegment(middle, first));
        return new ReadOnlySequence<byte>(first, 0, last, last.Memory.Length);
    }
}
