using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain;

/// <summary>The receipt of one transaction on one side, public or private.</summary>
public sealed class Receipt
{
    public TransactionType Type { get; init; }
    /// <summary>1 for success, 0 for failure; meaningless when <see cref="PostState"/> is set.</summary>
    public byte Status { get; init; }
    /// <summary>The intermediate state root of a receipt before Byzantium; null from then on.</summary>
    public Hash256? PostState { get; init; }
    /// <summary>Gas of the public transactions up to this one in its block.</summary>
    public ulong CumulativeGasUsed { get; init; }
    /// <summary>Over this receipt's logs.</summary>
    public Bloom Bloom { get; init; } = new();
    /// <summary>In the order of execution; empty in the public receipt of a private transaction, which strangers must be able to
    /// make as well.</summary>
    public IReadOnlyList<LogEntry> Logs { get; init; } = [];
    /// <summary>Not in the consensus form. Zero for a private transaction.</summary>
    public ulong GasUsed { get; init; }
    /// <summary>Not in the consensus form. Set on every creation, failed ones included.</summary>
    public Address? ContractAddress { get; init; }
    /// <summary>
    /// Not in the consensus form. What a reverted transaction returned, never empty; null when there is nothing, or when the node
    /// that ran it kept none (GoQuorum's <c>--revertreason</c>, 21.7:core/state_processor.go).
    /// </summary>
    public byte[]? RevertReason { get; init; }

    /// <summary>The consensus form that the receipts root is over: [status | root, cumulative gas, bloom, logs], type-prefixed.</summary>
    public byte[] Encode() => Encode(new RlpWriter());

    /// <summary>The consensus form of each.</summary>
    public static byte[][] EncodeAll(IReadOnlyList<Receipt> receipts)
    {
        var writer = new RlpWriter(1024);
        var encoded = new byte[receipts.Count][];
        for (var i = 0; i < encoded.Length; i++)
            encoded[i] = receipts[i].Encode(writer);
        return encoded;
    }

    private byte[] Encode(RlpWriter writer)
    {
        writer.Clear();
        WriteConsensus(writer);
        if (Type == TransactionType.Legacy)
            return writer.ToArray();
        var result = new byte[1 + writer.WrittenSpan.Length];
        result[0] = (byte)Type;
        writer.WrittenSpan.CopyTo(result.AsSpan(1));
        return result;
    }

    /// <summary>
    /// All fields, for the store; the bloom is computed again on reading. The revert reason is an item only where there is one.
    /// </summary>
    public void WriteStored(RlpWriter writer)
    {
        var mark = writer.BeginList();
        writer.Write((ulong)Type);
        WriteStatus(writer);
        writer.Write(CumulativeGasUsed);
        WriteLogs(writer);
        writer.Write(GasUsed);
        writer.Write(ContractAddress);
        if (RevertReason is { } reason) writer.Write(reason);
        writer.EndList(mark);
    }

    /// <summary>Reads what <see cref="WriteStored"/> wrote; the last item may be absent.</summary>
    public static Receipt ReadStored(ref RlpReader reader)
    {
        var list = reader.ReadList();
        var type = (TransactionType)list.ReadUInt64();
        var status = list.ReadBytes();
        var cumulative = list.ReadUInt64();
        var logs = ReadLogs(list.ReadList());
        var receipt = new Receipt
        {
            Type = type,
            Status = status.Length == 1 ? status[0] : (byte)0,
            PostState = status.Length == Hash256.Size ? new Hash256(status) : null,
            CumulativeGasUsed = cumulative,
            Bloom = Bloom.Of(logs),
            Logs = logs,
            GasUsed = list.ReadUInt64(),
            ContractAddress = list.ReadOptionalAddress(),
            RevertReason = list.End ? null : list.ReadBytes().ToArray(),
        };
        list.ExpectEnd();
        return receipt;
    }

    private void WriteConsensus(RlpWriter writer)
    {
        var mark = writer.BeginList();
        WriteStatus(writer);
        writer.Write(CumulativeGasUsed);
        writer.Write(Bloom.Span);
        WriteLogs(writer);
        writer.EndList(mark);
    }

    private void WriteStatus(RlpWriter writer)
    {
        if (PostState is { } root)
            writer.Write(root);
        else
            writer.Write((ulong)Status);
    }

    private void WriteLogs(RlpWriter writer)
    {
        var mark = writer.BeginList();
        foreach (var log in Logs)
        {
            var item = writer.BeginList();
            writer.Write(log.Address);
            var topics = writer.BeginList();
            foreach (var topic in log.Topics)
                writer.Write(topic);
            writer.EndList(topics);
            writer.Write(log.Data);
            writer.EndList(item);
        }
        writer.EndList(mark);
    }

    private static List<LogEntry> ReadLogs(RlpReader items)
    {
        var logs = new List<LogEntry>();
        while (!items.End)
        {
            var item = items.ReadList();
            var address = item.ReadAddress();
            var topics = new List<Hash256>(4);
            for (var list = item.ReadList(); !list.End;)
                topics.Add(list.ReadHash256());
            logs.Add(new LogEntry(address, [.. topics], item.ReadBytes().ToArray()));
            item.ExpectEnd();
        }
        return logs;
    }
}
