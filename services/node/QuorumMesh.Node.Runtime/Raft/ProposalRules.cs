using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Consensus.Raft;

namespace QuorumMesh.Node.Runtime.Raft;

/// <summary>
/// What a leader takes into the log of what other members propose: what is committed can no longer be refused, only passed over.
/// </summary>
internal sealed class ProposalRules(ChainRules rules, Minter minter, RaftMembers members)
{
    /// <summary>Why the entries are not appended; null when they are.</summary>
    /// <param name="head">The chain's head.</param>
    public string? Refuse(IReadOnlyList<RaftEntry> entries, RaftConfState state, BlockHeader head)
    {
        var parent = minter.Parent(head);
        foreach (var entry in entries)
        {
            var why = entry.Type == RaftEntryType.ConfChange ? members.RefuseProposal(entry, state) : RefuseBlock(entry.Data, ref parent);
            if (why is not null) return why;
        }
        return null;
    }

    private string? RefuseBlock(byte[] data, ref BlockHeader parent)
    {
        if (!BlockIntake.TryDecode(data, out var block, out var why)) return why;
        if (rules.EngineAt(block.Number).VerifyProposal(block.Header, parent) is { } reason) return reason;
        try
        {
            BlockValidator.CheckBody(block);
        }
        catch (InvalidBlockException e)
        {
            return e.Message;
        }
        // The next entry of the message may build on this one.
        parent = block.Header;
        return null;
    }
}
