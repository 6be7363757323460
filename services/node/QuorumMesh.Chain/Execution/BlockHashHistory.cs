using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Execution;

/// <summary>
/// EIP-2935: the contract that serves the last 8191 block hashes. The parent's hash is written straight into its storage, as the
/// EIP allows. Ethereum deployed it by a transaction with a gas price, which no network without gas prices can take: here the
/// first Prague block puts the code in place, unless the genesis did.
/// </summary>
internal static class BlockHashHistory
{
    public const ulong Window = 8191;

    public static readonly Address Contract = Address.Parse("0x0000F90827F1C53a10cb7A02335B175320002935");

    // Source: EIP-2935, "Deployment".
    private static readonly byte[] _code = Hex.FromHex(
        "0x3373fffffffffffffffffffffffffffffffffffffffe14604657602036036042575f35600143038111604257611fff81430311604257611fff9006545f5260205ff35b5f5ffd5b5f35611fff60014303065500");

    /// <summary>At the start of every Prague block, before its transactions.</summary>
    public static void Record(WorldState state, BlockHeader header)
    {
        state.BeginTransaction();
        var codeHash = state.GetCodeHash(Contract);
        if (codeHash.IsZero || codeHash == Hash256.EmptyCode)
        {
            // What a deployment leaves (EIP-161).
            state.SetNonce(Contract, 1);
            state.SetCode(Contract, _code);
        }
        state.SetStorage(Contract, (header.Number - 1) % Window, header.ParentHash.ToWord());
        state.FinaliseTransaction(deleteEmpty: true);
    }
}
