using QuorumMesh.Chain;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// Appends whose blocks arrive without transactions that the leader takes the receiver to hold: they are made whole of the receiver's pool,
/// and of what the sender answers.
/// </summary>
internal sealed class CompactDelivery(Random random)
{
    public int Rebuilt { get; private set; }
    public int NotRebuilt { get; private set; }

    /// <param name="held">The receiver's.</param>
    /// <param name="isAnswering">The sender can be asked for what is lacking; the answer may be lost all the same.</param>
    /// <returns>The message as the receiver has it; null when it could not make it whole.</returns>
    public RaftMessage? Carry(RaftMessage message, TransactionPool held, bool isAnswering)
    {
        if (message.Type != RaftMessageType.App) return message;
        var entries = new List<RaftEntry>();
        foreach (var entry in message.Entries)
        {
            if (BlockOutline.Of(entry.Data).Compact(_ => random.Next(8) != 0, out _) is not { } form)
            {
                entries.Add(entry);
            }
            else if (Rebuild(entry.Data, form, held, isAnswering) is { } data)
            {
                Rebuilt++;
                entries.Add(entry with { Data = data });
            }
            else
            {
                NotRebuilt++;
                return null;
            }
        }
        return message with { Entries = entries };
    }

    private byte[]? Rebuild(byte[] sent, byte[] form, TransactionPool held, bool isAnswering)
    {
        var block = CompactBlock.Decode(form);
        var mayAsk = isAnswering && random.Next(10) != 0;
        var known = Block.Decode(sent).Transactions.ToDictionary(t => t.Hash);
        var found = new List<ReadOnlyMemory<byte>>();
        foreach (var hash in block.Named)
        {
            if ((held.Find(hash)?.Tx ?? (mayAsk ? known[hash] : null)) is not { } transaction) return null;
            found.Add(transaction.Encode());
        }
        var data = block.Rebuild(found, sent.Length);
        return data.AsSpan().SequenceEqual(sent) ? data : throw new NodeSimulationException("a block was made of others' transactions");
    }
}
