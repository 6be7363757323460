using System.Text;
using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Extension;
using QuorumMesh.Primitives;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// The contract extensions that this participant takes part in, from the logs of its private transactions: kept in the batch that moves the
/// private head, so that no crash leaves them behind it or ahead of it, and a replay makes the same ones. They take the place of GoQuorum's
/// activeExtensions.json.
/// </summary>
internal static class ExtensionIndex
{
    /// <summary>Characters of a key or identifier; longer ones are none.</summary>
    private const int LongestText = 1_024;

    /// <summary>Characters.</summary>
    private const int LongestRefusal = 256;

    /// <summary>With a move of the private head.</summary>
    public static void Note(IKeyValueReader reader, KeyValueBatch batch, Block block, IReadOnlyList<RecoveredTransaction> transactions,
        BlockExecution execution)
    {
        if (execution.PrivateReceipts is not { } receipts) return;
        var changed = new Dictionary<Address, ContractExtension>();
        for (var i = 0; i < receipts.Count; i++)
        {
            if (receipts[i] is not { Logs.Count: > 0 } receipt) continue;
            var creation = CreationOf(i, transactions[i], execution);
            foreach (var log in receipt.Logs)
            {
                if (ExtensionEvent.Of(log) is not { } happened || !IsKept(happened, receipt.ContractAddress)) continue;
                var known = changed.GetValueOrDefault(happened.Management) ?? Find(reader, happened.Management);
                if (After(known, happened, transactions[i].Sender, creation, block.Number) is { } after)
                    changed[happened.Management] = after;
            }
        }
        foreach (var refused in execution.RefusedShares)
            if (changed.GetValueOrDefault(refused.Management) is { } extension)
                changed[refused.Management] = extension with { Refusal = Bounded(refused.Reason) };
        foreach (var extension in changed.Values) Put(batch, extension);
    }

    /// <summary>The private head goes back: what happened after the block has not.</summary>
    public static void RemoveAfter(IKeyValueReader reader, ulong block, KeyValueBatch batch)
    {
        foreach (var extension in All(reader))
        {
            if (extension.Begun > block)
            {
                batch.Delete(Key(extension.Management));
                batch.Delete(MovingKey(extension));
                continue;
            }
            var accepted = extension.Accepted > block ? 0 : extension.Accepted;
            if (extension.Finished > block)
                Put(batch, extension with { Finished = 0, Identifier = "", Refusal = "", Accepted = accepted });
            else if (extension.Accepted > block) Put(batch, extension with { Accepted = accepted });
        }
    }

    /// <summary>
    /// Forgets what ended so long ago that no late payload takes the head back to it. A refusal stays: its status is never DONE.
    /// </summary>
    /// <param name="keeps">Blocks behind its end.</param>
    public static void DropOld(IKeyValueReader reader, KeyValueBatch batch, ulong block, ulong keeps)
    {
        foreach (var extension in All(reader))
            if (!extension.IsActive && extension.Refusal.Length == 0 && block > extension.Finished && block - extension.Finished > keeps)
                batch.Delete(Key(extension.Management));
    }

    /// <summary>Those that are <see cref="ContractExtension.IsMoving"/>, by their contract.</summary>
    public static IEnumerable<ContractExtension> Moving(IKeyValueReader reader)
    {
        foreach (var (key, _) in reader.Scan([KeySpaces.MovingContract]))
            if (Find(reader, new Address(key.AsSpan(1 + Address.Size))) is { } extension) yield return extension;
    }

    /// <summary>Null for an address that is no management contract known here.</summary>
    public static ContractExtension? Find(IKeyValueReader reader, in Address management) =>
        reader.Get(Key(management)) is { } value ? Decode(management, value) : null;

    public static IEnumerable<ContractExtension> All(IKeyValueReader reader)
    {
        foreach (var (key, value) in reader.Scan([KeySpaces.Extension]))
            if (key.Length == 1 + Address.Size) yield return Decode(new Address(key.AsSpan(1)), value);
    }

    /// <summary>The payload hash of what emitted the logs: of a transaction in a marker, not the marker's own.</summary>
    private static byte[] CreationOf(int index, RecoveredTransaction transaction, BlockExecution execution)
    {
        foreach (var (marker, hash) in execution.MarkedPayloads)
            if (marker == index) return hash.ToArray();
        return transaction.Tx.Data;
    }

    /// <summary>
    /// An extension begins with its management contract alone: any contract that is called can say that one begins, and whoever calls it
    /// would have begun it.
    /// </summary>
    /// <param name="made">What the transaction made; of one in a marker the receipt is its own.</param>
    private static bool IsKept(ExtensionEvent happened, Address? made) => happened switch
    {
        ExtensionEvent.Created created => created.Management == made && created.RecipientKey.Length <= LongestText,
        ExtensionEvent.Shared shared => shared.Identifier.Length <= LongestText,
        _ => true,
    };

    /// <returns>Null when the event changes nothing.</returns>
    private static ContractExtension? After(
        ContractExtension? known, ExtensionEvent happened, in Address sender, byte[] creation, ulong block) =>
        happened switch
        {
            ExtensionEvent.Created created when known is null => new ContractExtension(created.Management, created.Contract,
                sender, created.Recipient, created.RecipientKey, creation, block),
            ExtensionEvent.Accepted when known is { IsActive: true } => known with { Accepted = block },
            ExtensionEvent.Finished when known is { IsActive: true } => known with { Finished = block },
            ExtensionEvent.Shared shared when known is { IsActive: true } => known with { Identifier = shared.Identifier },
            _ => null,
        };

    private static void Put(KeyValueBatch batch, ContractExtension extension)
    {
        batch.Put(Key(extension.Management), Encode(extension));
        if (extension.IsMoving) batch.Put(MovingKey(extension), [1]);
        else batch.Delete(MovingKey(extension));
    }

    private static byte[] Encode(ContractExtension extension)
    {
        var writer = new RlpWriter();
        var mark = writer.BeginList();
        writer.Write(extension.Contract);
        writer.Write(extension.Initiator);
        writer.Write(extension.Recipient);
        writer.Write(Encoding.UTF8.GetBytes(extension.RecipientKey));
        writer.Write(extension.Creation);
        writer.Write(extension.Begun);
        writer.Write(extension.Accepted);
        writer.Write(extension.Finished);
        writer.Write(Encoding.UTF8.GetBytes(extension.Identifier));
        writer.Write(Encoding.UTF8.GetBytes(extension.Refusal));
        writer.EndList(mark);
        return writer.ToArray();
    }

    /// <exception cref="RlpException">The row is damaged.</exception>
    private static ContractExtension Decode(in Address management, ReadOnlySpan<byte> value)
    {
        var outer = new RlpReader(value);
        var list = outer.ReadList();
        var extension = new ContractExtension(management, list.ReadAddress(), list.ReadAddress(), list.ReadAddress(), Text(ref list),
            list.ReadBytes().ToArray(), list.ReadUInt64())
        {
            Accepted = list.ReadUInt64(),
            Finished = list.ReadUInt64(),
            Identifier = Text(ref list),
            Refusal = Text(ref list),
        };
        list.ExpectEnd();
        return extension;
    }

    private static string Bounded(string reason) => reason.Length <= LongestRefusal ? reason : reason[..LongestRefusal];

    private static string Text(ref RlpReader reader) => Encoding.UTF8.GetString(reader.ReadBytes());

    private static byte[] MovingKey(ContractExtension extension) =>
        [KeySpaces.MovingContract, .. extension.Contract.ToArray(), .. extension.Management.ToArray()];

    private static byte[] Key(in Address management) => [KeySpaces.Extension, .. management.ToArray()];
}
