using CsCheck;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Evm.Tests;

/// <summary>
/// Random byte code in every fork: never an exception, never more gas than was given, the same with a tracer as without, and the
/// same compiled.
/// </summary>
public class FuzzTests
{
    private const ulong Gas = 200_000;
    private static readonly Address _caller = Address.Parse("0x1000000000000000000000000000000000000001");
    private static readonly Address _contract = Address.Parse("0x0000000000000000000000000000000000000060");
    private static readonly Address _other = Address.Parse("0x0000000000000000000000000000000000000061");

    /// <summary>Operands that hit edges: small numbers, the two contracts, precompiles, huge words.</summary>
    private static readonly Gen<byte[]> _push = Gen.OneOf(
        Gen.Byte[0, 0x62].Select(b => new byte[] { 0x60, b }),
        Gen.UShort.Select(n => new byte[] { 0x61, (byte)(n >> 8), (byte)n }),
        Gen.Byte.Array[32].Select(bytes => (byte[])[0x7f, .. bytes]),
        Gen.Const(new byte[] { 0x5f }),
        Gen.Const((byte[])[0x7f, .. Enumerable.Repeat((byte)0xff, 32)]));

    private static readonly Gen<byte[]> _op = Gen.OneOf(
        Gen.Byte.Select(b => new[] { b }),
        Gen.OneOf([.. OpcodeTable.Rows.Where(r => r.ImmediateSize == 0 && !r.Flags.HasFlag(OpcodeFlags.Terminates))
            .Select(r => Gen.Const(new[] { (byte)r.Opcode }))]));

    private static readonly Gen<byte[]> _code = Gen.Frequency((3, _push), (2, _op))
        .Array[1, 120].Select(parts => parts.SelectMany(p => p).ToArray());

    [Fact]
    public void Random_code_stays_within_its_gas_and_does_not_see_the_tracer()
    {
        Gen.Select(_code, _code, Gen.Enum<Fork>(), Gen.Byte.Array[0, 80]).Sample((code, other, fork, input) =>
        {
            (EvmResult plain, Hash256 plainRoot) = Run(code, other, fork, input, null);
            (EvmResult traced, Hash256 tracedRoot) = Run(code, other, fork, input, new PriceChecker());
            (EvmResult compiled, Hash256 compiledRoot) = Run(code, other, fork, input, null, EvmTier.Compiled);
            if (compiled.GasLeft != plain.GasLeft || compiled.Status != plain.Status || compiledRoot != plainRoot
                || !compiled.Output.AsSpan().SequenceEqual(plain.Output)) return false;
            return plain.GasLeft <= Gas && plain.GasLeft == traced.GasLeft && plain.Status == traced.Status && plainRoot == tracedRoot
                && plain.Output.AsSpan().SequenceEqual(traced.Output);
        }, iter: 5000);
    }

    private static (EvmResult Result, Hash256 Root) Run(byte[] code, byte[] other, Fork fork, byte[] input, IEvmTracer? tracer,
        EvmTier tier = EvmTier.Interpreter)
    {
        var state = new WorldState(EmptyState.Instance);
        state.SetCode(_contract, code);
        state.SetCode(_other, other);
        state.SetBalance(_contract, 1000);
        state.SetStorage(_contract, 1, 1);
        state.BeginTransaction();
        var machine = new EvmMachine(new BlockContext { GasLimit = Gas, Number = 300 }, fork, EvmOptions.Default with { Tier = tier });
        EvmResult result = machine.Call(_caller, default, _caller, _contract, input, Gas, default, state, state, tracer,
            [Hash256.EmptyCode]);
        state.FinaliseTransaction(deleteEmpty: fork >= Fork.SpuriousDragon);
        return (result, StateRoot.Compute(state.TakeChanges()));
    }
}
