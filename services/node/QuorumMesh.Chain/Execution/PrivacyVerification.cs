using System.Text;
using QuorumMesh.Chain.Payloads;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.Trie;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// What privacy flags promise about a private transaction, looked at after its code has run (24:core/state_transition_pmh.go verify). The
/// sender's node computes the same before it sends.
/// </summary>
public static class PrivacyVerification
{
    /// <summary>
    /// False for a flag other than 0 before the block that allows it: GoQuorum calls such a block bad, for the node's genesis must then be
    /// another than its parties' (prepare). The private side is to stop before it.
    /// </summary>
    public static bool MayRun(ChainRules rules, ulong block, PayloadAnswer answer) =>
        answer.Payload is null || answer.PrivacyMode == PrivacyMode.StandardPrivate
        || rules.Config.HasPrivacyEnhancements(block, rules.Profile);

    /// <summary>Whether the run kept what its payload says; the states are those after it, before the transaction is finalised.</summary>
    /// <param name="marker">The precompile of privacy markers, which is no contract; null where it is not there.</param>
    /// <param name="contract">The one that the fault was found at; null for one of the whole.</param>
    public static PrivacyFault Verify(PayloadAnswer payload, AffectedContracts affected, WorldState publicState, WorldState privateState,
        Address? marker, out Address? contract)
    {
        contract = null;
        foreach (var address in affected.Called)
        {
            if (address == marker || FaultOf(payload, privateState, address) is not { } fault) continue;
            contract = address;
            return fault;
        }
        if (payload.ExecutionHash.Length == 0) return PrivacyFault.None;
        return TryReadHash(payload.ExecutionHash, out var expected) && (expected.IsZero
            || ExecutionHash(affected, publicState, privateState) == expected) ? PrivacyFault.None : PrivacyFault.ExecutionHashDiffers;
    }

    /// <summary>Zero when there is none, or one that cannot be read.</summary>
    public static Hash256 ReadExecutionHash(PayloadAnswer payload) => TryReadHash(payload.ExecutionHash, out var hash) ? hash : default;

    /// <summary>Before the run: state validation without a hash to compare with is refused unread.</summary>
    public static PrivacyFault Check(PayloadAnswer payload)
    {
        var isRead = TryReadHash(payload.ExecutionHash, out var hash);
        var isMissing = !isRead || (payload.PrivacyMode == PrivacyMode.PrivateStateValidation && hash.IsZero);
        return isMissing ? PrivacyFault.ExecutionHashMissing : PrivacyFault.None;
    }

    /// <summary>
    /// GoQuorum's ACMerkleRoot: the root of a trie with the plain addresses of all affected accounts as keys, and their RLP as values,
    /// each from the private state where it is there, else from the public one (24:core/vm/evm.go CalculateMerkleRoot).
    /// </summary>
    /// <returns>Null when an affected account is in neither, because what made it was reverted: GoQuorum ends itself over one.</returns>
    public static Hash256? ExecutionHash(AffectedContracts affected, WorldState publicState, WorldState privateState)
    {
        var accounts = new List<KeyValuePair<byte[], byte[]>>(affected.All.Count);
        foreach (var address in affected.All)
        {
            if ((privateState.AccountNow(address) ?? publicState.AccountNow(address)) is not { } account) return null;
            accounts.Add(new(address.ToArray(), account.Encode()));
        }
        return TrieRoot.Of(accounts);
    }

    /// <summary>The contracts that the run made remember how they must be treated from here on.</summary>
    public static void MarkCreated(PayloadHash creation, PrivacyMode mode, AffectedContracts affected, WorldState privateState)
    {
        if (mode == PrivacyMode.StandardPrivate) return;
        foreach (var address in affected.Created)
            // What was made and reverted is not there.
            if (privateState.Exists(address) && privateState.IsCreatedInTransaction(address))
                privateState.SetPrivacy(address, new PrivacyMetadata(creation, mode));
    }

    private static PrivacyFault? FaultOf(PayloadAnswer payload, WorldState privateState, in Address address)
    {
        // A public contract may be read with any flag, and nothing private can change it.
        if (!privateState.Exists(address)) return null;
        if (privateState.GetPrivacy(address) is not { } metadata)
            return payload.PrivacyMode == PrivacyMode.StandardPrivate ? null : PrivacyFault.MetadataMissing;
        if (metadata.Mode != payload.PrivacyMode) return PrivacyFault.FlagsDiffer;
        return payload.AffectedTransactions.Contains(metadata.Creation) ? null : PrivacyFault.NotProven;
    }

    /// <summary>
    /// As GoQuorum reads it: the last 32 bytes of what standard base64 gives, line ends passed over (24:common/types.go Base64ToHash).
    /// </summary>
    private static bool TryReadHash(byte[] text, out Hash256 hash)
    {
        hash = default;
        if (text.Length == 0) return true;
        var bytes = new byte[text.Length];
        var plain = Encoding.ASCII.GetString(text).Replace("\r", "", StringComparison.Ordinal).Replace("\n", "", StringComparison.Ordinal);
        if (plain.Contains(' ') || plain.Contains('\t') || !Convert.TryFromBase64String(plain, bytes, out var length)) return false;
        var word = new byte[Hash256.Size];
        var taken = Math.Min(length, Hash256.Size);
        bytes.AsSpan(length - taken, taken).CopyTo(word.AsSpan(Hash256.Size - taken));
        hash = new Hash256(word);
        return true;
    }
}
