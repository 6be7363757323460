using QuorumMesh.Chain;
using QuorumMesh.State;

namespace QuorumMesh.Node.Runtime;

/// <summary>Imports a chain without a running node: every block is executed and every root checked; private payloads come later.</summary>
public sealed class ChainImporter(NodeStores stores, bool archive = false)
{
    private readonly ChainWriter _writer = new(stores, new PayloadCache(), new NodeEvents(), archive ? null : NodeCoreSetup.DefaultKeptPublicBlocks);

    public BlockHeader Head => _writer.Head;

    /// <returns>False when the chain has the block already.</returns>
    /// <exception cref="NodeHaltedException">The block does not fit on the head, or does not execute to its roots.</exception>
    public bool Import(Block block)
    {
        if (_writer.Knows(block.Hash)) return false;
        if (block.Header.ParentHash != Head.Hash)
            throw new NodeHaltedException($"block {block.Number} ({block.Hash}) does not build on the head {Head.Number} ({Head.Hash}): the file belongs to another chain, or blocks before it are missing");
        _writer.Import(block, prepared: null, static _ => { });
        return true;
    }

    /// <summary>Makes everything durable.</summary>
    public void Close()
    {
        var batch = new KeyValueBatch();
        ChainStore.PutPublicHead(batch, new BlockPointer(Head.Number, Head.Hash));
        stores.KeyValues.Write(batch, sync: true);
    }
}
