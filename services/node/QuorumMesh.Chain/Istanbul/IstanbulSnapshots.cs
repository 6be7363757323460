using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>
/// Snapshots of stored blocks. Every 1024th is stored as a checkpoint, so that no look-up reads more headers than that; validators that a
/// contract names are stored with each block.
/// </summary>
internal static class IstanbulSnapshots
{
    /// <summary>Blocks between two checkpoints, as GoQuorum has it.</summary>
    public const ulong CheckpointInterval = 1024;

    /// <param name="known">Snapshots that may be on the way, which save reading further back.</param>
    /// <exception cref="ChainCorruptException">A header or checkpoint that must be there is not, or does not fit.</exception>
    public static IstanbulSnapshot After(BftChain chain, IKeyValueReader reader, BlockHeader header,
        params ReadOnlySpan<IstanbulSnapshot?> known)
    {
        var path = new Stack<BlockHeader>();
        IstanbulSnapshot? snapshot;
        while ((snapshot = Find(chain, reader, header, known)) is null)
        {
            if (path.Count > (int)CheckpointInterval)
                throw new ChainCorruptException($"the IBFT checkpoint below block {path.Last().Number} is missing: remove the data "
                    + "directory and import the chain again");
            path.Push(header);
            if ((snapshot = Among(known, header.ParentHash)) is not null) break;
            header = Parent(reader, header);
        }
        foreach (var next in path)
        {
            try
            {
                snapshot = chain.Apply(reader, snapshot, next);
            }
            catch (InvalidBlockException e)
            {
                throw new ChainCorruptException($"the stored block {next.Number} does not follow from its validators: {e.Message}");
            }
        }
        return snapshot;
    }

    /// <summary>True for blocks whose snapshot is stored.</summary>
    public static bool IsCheckpoint(ulong number) => number > 0 && number % CheckpointInterval == 0;

    /// <summary>In the batch of its block: a checkpoint without its block, or a block without it, is never there.</summary>
    public static void PutCheckpoint(KeyValueBatch batch, IstanbulSnapshot snapshot) =>
        ChainRecord.Put(batch, ChainKeys.IstanbulCheckpoint(snapshot.Hash), snapshot.Encode());

    /// <summary>In the batch of its block: whom the contract names in the state after it.</summary>
    public static void PutNamed(KeyValueBatch batch, in Hash256 block, IReadOnlyList<Address> validators)
    {
        var value = new byte[validators.Count * Address.Size];
        for (var i = 0; i < validators.Count; i++) validators[i].Bytes.CopyTo(value.AsSpan(i * Address.Size));
        ChainRecord.Put(batch, ChainKeys.NamedValidators(block), value);
    }

    /// <summary>What <see cref="PutNamed"/> put.</summary>
    /// <exception cref="ChainCorruptException">It is not there, or damaged.</exception>
    public static IReadOnlyList<Address> GetNamed(IKeyValueReader reader, BlockHeader header)
    {
        var what = $"validators that a contract names after block {header.Number}";
        var value = ChainRecord.Get(reader, ChainKeys.NamedValidators(header.Hash), what)
            ?? throw new ChainCorruptException($"the {what} are not stored: remove the data directory and sync the chain again");
        if (value.Length % Address.Size != 0) throw new ChainCorruptException($"the stored {what} cannot be read");
        var validators = new Address[value.Length / Address.Size];
        for (var i = 0; i < validators.Length; i++) validators[i] = new Address(value.Span.Slice(i * Address.Size, Address.Size));
        return validators;
    }

    private static IstanbulSnapshot? Among(ReadOnlySpan<IstanbulSnapshot?> known, in Hash256 hash)
    {
        foreach (var snapshot in known)
            if (snapshot?.Hash == hash) return snapshot;
        return null;
    }

    private static IstanbulSnapshot? Find(BftChain chain, IKeyValueReader reader, BlockHeader header,
        ReadOnlySpan<IstanbulSnapshot?> known)
    {
        if (Among(known, header.Hash) is { } remembered) return remembered;
        if (header.Number == 0) return chain.OfGenesis(reader, header);
        if (!IsCheckpoint(header.Number)) return null;
        var what = $"IBFT checkpoint of block {header.Number}";
        if (ChainRecord.Get(reader, ChainKeys.IstanbulCheckpoint(header.Hash), what) is not { } value) return null;
        try
        {
            return IstanbulSnapshot.Decode(value.Span);
        }
        catch (FormatException e)
        {
            throw new ChainCorruptException($"the stored {what} cannot be read: {e.Message}");
        }
    }

    private static BlockHeader Parent(IKeyValueReader reader, BlockHeader header) =>
        ChainStore.GetHeader(reader, header.ParentHash)
            ?? throw new ChainCorruptException($"block {header.Number - 1}, the parent of {header.Hash}, is not stored");
}
