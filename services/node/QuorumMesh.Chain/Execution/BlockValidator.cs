using QuorumMesh.Chain.Genesis;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.Trie;

namespace QuorumMesh.Chain.Execution;

/// <summary>Checks of a block's body and of what its execution gave, all from the public side only.</summary>
public static class BlockValidator
{
    private const string LaterForksCount = "\"quorumMesh\": {\"version\": 0}";

    /// <summary>Trie over the transactions' encodings by their indexes.</summary>
    public static Hash256 TransactionsRoot(IReadOnlyList<Transaction> transactions) =>
        transactions.Count == 0 ? Hash256.EmptyTrie : TrieRoot.OfOrderedList([.. transactions.Select(static tx => tx.EncodedBytes)]);

    /// <exception cref="InvalidBlockException">Uncles, or a transaction root that does not fit.</exception>
    public static void CheckBody(Block block)
    {
        if (block.Header.UncleHash != Hash256.EmptyUncles)
            throw new InvalidBlockException(
                $"block {block.Number}: uncle root hash mismatch: have {block.Header.UncleHash}, want {Hash256.EmptyUncles}");
        var root = TransactionsRoot(block.Transactions);
        if (root != block.Header.TransactionsRoot)
            throw new InvalidBlockException(
                $"block {block.Number}: transaction root hash mismatch: have {root}, want {block.Header.TransactionsRoot}");
    }

    /// <exception cref="InvalidBlockException">Names the first figure that differs, and the profiles to try.</exception>
    public static void CheckResult(ChainRules rules, BlockHeader header, BlockExecution execution, in Hash256 stateRoot)
    {
        // geth's order (2.5:core/block_validator.go): the first difference that is named is the one that GoQuorum names.
        if (execution.GasUsed != header.GasUsed)
            throw Mismatch(rules, header, "gas used", header.GasUsed.ToString(System.Globalization.CultureInfo.InvariantCulture),
                execution.GasUsed.ToString(System.Globalization.CultureInfo.InvariantCulture));
        if (!execution.Bloom.Equals(header.Bloom))
            throw Mismatch(rules, header, "bloom", header.Bloom.ToString(), execution.Bloom.ToString());
        if (execution.ReceiptsRoot != header.ReceiptsRoot)
            throw Mismatch(rules, header, "receipt root", header.ReceiptsRoot.ToString(), execution.ReceiptsRoot.ToString());
        if (stateRoot != header.StateRoot)
            throw Mismatch(rules, header, "state root", header.StateRoot.ToString(), stateRoot.ToString());
    }

    private static InvalidBlockException Mismatch(ChainRules rules, BlockHeader header, string what, string remote, string local)
    {
        var others = rules.OtherProfilesAt(header.Number);
        var hint = others.Count == 0
            ? ""
            : $"; the rules of profile {rules.Profile} were used: if another GoQuorum generation made this chain, init again with "
                + $"--quorum.profile {string.Join(" or ", others)}";
        var later = rules.Config.PassedOver.Where(ConfigFields.IsLaterFork).ToList();
        if (later.Count > 0)
            hint += $"; {string.Join(", ", later)} of the genesis had no effect, as with GoQuorum: if an earlier QuorumMesh made this "
                + $"chain, init again with {LaterForksCount} in its config";
        return new InvalidBlockException($"block {header.Number}: invalid {what} (remote: {remote} local: {local}){hint}");
    }
}
