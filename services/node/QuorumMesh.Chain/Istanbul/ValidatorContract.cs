using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Storage;
using QuorumMesh.Primitives;
using QuorumMesh.State;
using QuorumMesh.State.KeyValue;

namespace QuorumMesh.Chain.Istanbul;

/// <summary>
/// Reads the validators from a contract's <c>getValidators()</c>, as GoQuorum does by an eth_call on the public state after a block
/// (24:consensus/istanbul/backend/engine.go snapshot, backend/contract).
/// </summary>
internal static class ValidatorContract
{
    // Keccak-256 of "getValidators()", first four bytes.
    private static readonly byte[] _selector = [0xb7, 0xab, 0x4d, 0xb5];

    // What eth_call has by default (24:eth/ethconfig/config.go RPCGasCap).
    private const ulong Gas = 25_000_000;

    /// <summary>
    /// Empty when the call fails or answers with no list of addresses: then there is no next block, as in GoQuorum, whose snapshot fails.
    /// </summary>
    /// <param name="store">For BLOCKHASH.</param>
    public static IReadOnlyList<Address> Read(ChainRules rules, BlockHeader header, IStateReader publicState, in Address contract,
        IKeyValueReader store)
    {
        var author = rules.EngineAt(header.Number).Author(header);
        var context = rules.ContextOf(header, author, number => ChainStore.GetCanonicalHash(store, number) ?? default);
        var processor = new TransactionProcessor(context, rules.ForkAt(header.Number), rules.TransactionRulesAt(header.Number));
        var call = new TransactionMessage { To = contract, GasLimit = Gas, Data = _selector, IsCall = true };
        var gasPool = Gas;
        var outcome = processor.Execute(call, new WorldState(publicState), null, null, ref gasPool);
        return outcome is { Invalid: TransactionInvalid.None, PublicSuccess: true } ? Decode(outcome.Output) : [];
    }

    /// <summary>
    /// An ABI-encoded <c>address[]</c>, read as go-ethereum's abi does: the upper twelve bytes of an address are not looked at.
    /// </summary>
    private static IReadOnlyList<Address> Decode(ReadOnlySpan<byte> output)
    {
        if (!TryReadIndex(output, 0, out var offset) || !TryReadIndex(output, offset, out var count)) return [];
        var items = output[(offset + 32)..];
        if (count > items.Length / 32) return [];
        var validators = new Address[count];
        for (var i = 0; i < count; i++) validators[i] = new Address(items.Slice((i * 32) + 12, Address.Size));
        return validators;
    }

    private static bool TryReadIndex(ReadOnlySpan<byte> output, int at, out int value)
    {
        value = 0;
        if (at > output.Length - 32) return false;
        var word = UInt256.FromBigEndian(output.Slice(at, 32));
        if (word > (UInt256)(ulong)int.MaxValue) return false;
        value = (int)(ulong)word;
        return true;
    }
}
