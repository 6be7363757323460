using QuorumMesh.Chain;
using QuorumMesh.Chain.Engines;
using QuorumMesh.Consensus.Bft;
using QuorumMesh.Primitives;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Simulation.Node;

/// <summary>
/// A validator whose host is right and whose word is not: what it sends is kept back, told to some alone, or replaced by something else
/// that it has signed: another block of the same round, votes for what is not there, seals of other rounds, any round asked for.
/// </summary>
internal sealed class LyingHost(BftNode node, Random random)
{
    private readonly BftIdentity _me = new(node.Address, hash => TestChain.Signer(1000 + node.Id).Sign(hash));

    public BftNode Node { get; } = node;

    public int Lies { get; private set; }

    /// <summary>What goes to one of the others instead of a message of its own; null for nothing.</summary>
    public (int Code, byte[] Payload)? Say(int code, byte[] payload)
    {
        if (random.Next(3) != 0 || !BftWire.TryRead(code, payload, out var message, out _) || message.Sender != Node.Address)
            return (code, payload);
        Lies++;
        if (random.Next(4) == 0) return null;
        var dialect = BftDialect.Of(message.Protocol);
        BftMessage? lie = message switch
        {
            PreprepareMessage proposed => Twin(dialect, proposed),
            PrepareMessage prepare => dialect.Prepare(_me, prepare.View, Anything()),
            CommitMessage commit =>
                dialect.Commit(_me, commit.View, random.Next(2) == 0 ? Anything() : commit.Digest, _me.Sign(Anything())),
            _ => dialect.RoundChange(_me, message.View with { Round = message.View.Round + (ulong)random.Next(1, 300) }, null),
        };
        return lie is null ? null : (lie.Code, lie.Payload);
    }

    /// <summary>The same block a second later, valid by itself.</summary>
    private PreprepareMessage? Twin(BftDialect dialect, PreprepareMessage proposed)
    {
        // Later rounds need reasons that are the others' to give.
        if (proposed.View.Round > 0 || Node.Stores is not { } stores) return null;
        var block = Block.Decode(proposed.Block);
        var later = block.Header with { Time = block.Header.Time + 1 };
        var twin = block with { Header = new BftBlockProducer(stores.Rules).SealProposal(later, _me.Sign) };
        return dialect.Preprepare(_me, proposed.View, new BftProposal(twin.Number, twin.Hash, twin.Encode()), []);
    }

    private Hash256 Anything()
    {
        var bytes = new byte[Hash256.Size];
        random.NextBytes(bytes);
        return new Hash256(bytes);
    }
}
