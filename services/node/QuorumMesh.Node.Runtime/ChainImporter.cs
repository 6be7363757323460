using QuorumMesh.Chain;
using QuorumMesh.Chain.Storage;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Node.Runtime;

/// <summary>
/// Imports a chain without a running node: every header is verified, every block executed and every root checked; private
/// payloads come later.
/// </summary>
/// <param name="keptPublicBlocks">See <see cref="NodeCoreSetup.KeptPublicBlocks"/>.</param>
public sealed class ChainImporter(NodeStores stores, ulong? keptPublicBlocks = NodeCoreSetup.DefaultKeptPublicBlocks)
{
    private readonly ChainWriter _writer = new(stores, WaitingSide(stores), new NodeEvents(), keptPublicBlocks);

    public BlockHeader Head => _writer.Head;

    /// <returns>False when the chain has the block already.</returns>
    /// <exception cref="NodeHaltedException">
    /// The block does not fit on the head, its header or seals are not valid, or it does not execute to its roots.
    /// </exception>
    public bool Import(Block block)
    {
        if (_writer.Knows(block.Hash)) return false;
        if (block.Number <= Head.Number)
            throw new NodeHaltedException($"block {block.Number} is {block.Hash} in the file and "
                + $"{ChainStore.GetCanonicalHash(stores.KeyValues, block.Number)} in this data directory: the file belongs to another "
                + "chain");
        if (block.Header.ParentHash != Head.Hash)
            throw new NodeHaltedException($"block {block.Number} ({block.Hash}) does not build on the head {Head.Number} ({Head.Hash}): "
                + "the file belongs to another chain, or blocks before it are missing");
        try
        {
            _writer.Import(block, prepared: null, static _ => { });
        }
        catch (NodeHaltedException e) when (e.InnerException is InvalidBlockException invalid)
        {
            throw new NodeHaltedException(
                $"block {block.Number} ({block.Hash}) is not valid: {WithoutNumber(invalid.Message, block.Number)}", invalid);
        }
        return true;
    }

    /// <summary>Makes everything durable.</summary>
    public void Close()
    {
        var batch = new KeyValueBatch();
        ChainStore.PutPublicHead(batch, new BlockPointer(Head.Number, Head.Hash));
        stores.KeyValues.Write(batch, sync: true);
    }

    /// <summary>It has no payloads, so it waits at the first block that needs one.</summary>
    private static PrivateSide WaitingSide(NodeStores stores) => new(
        ChainStore.PrivateStateId, stores, new PayloadCache(), new NodeEvents(), new ManagerRecord(stores.KeyValues, new NodeEvents()),
        NodeCoreSetup.DefaultPrivateRewindLimit);

    private static string WithoutNumber(string message, ulong number) =>
        message.StartsWith($"block {number}: ", StringComparison.Ordinal) ? message[$"block {number}: ".Length..] : message;
}
