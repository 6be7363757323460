using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Tests;

/// <summary>Holds what a step foretells against what then happens: the gas of the next step, and how the frame ends.</summary>
internal sealed class PriceChecker : IEvmTracer
{
    private readonly Stack<Open> _frames = [];

    private sealed class Open(ulong gas)
    {
        public ulong ChildGas { get; } = gas;
        public (byte Op, ulong Gas, ulong Cost, EvmStatus Status)? Last { get; set; }
        public ulong? NextGas { get; set; }
    }

    public void Step(in EvmStep step)
    {
        Open frame = _frames.Peek();
        if (_frames.Count != step.Depth + 1) throw new InvalidOperationException("the step is not of the frame entered last");
        if (frame.NextGas is { } expected && expected != step.Gas)
            throw new InvalidOperationException(
                $"after {OpcodeTable.Name(frame.Last!.Value.Op)} for {frame.Last.Value.Cost}: {step.Gas} gas, foretold {expected}");
        if (frame.Last is { Status: not EvmStatus.Success })
            throw new InvalidOperationException("a step after one that was to end the frame");
        if (step.MemorySize < step.Memory.Length) throw new InvalidOperationException("memory shrinks");
        frame.Last = (step.Opcode, step.Gas, step.Cost, step.Status);
        frame.NextGas = step.Gas - step.Cost;
    }

    public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
    {
        // The price of a creation is without the gas that goes into it.
        if (kind is Opcode.CREATE or Opcode.CREATE2 && _frames.TryPeek(out Open? parent)) parent.NextGas -= gas;
        _frames.Push(new Open(gas));
    }

    public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
    {
        Open frame = _frames.Pop();
        if (_frames.Count != depth) throw new InvalidOperationException("frames do not nest");
        if (_frames.TryPeek(out Open? parent)) parent.NextGas += frame.ChildGas - gasUsed;
        if (frame.Last is not { } last) return;
        bool wentOn = status is EvmStatus.Success or EvmStatus.Revert;
        if (last.Status != EvmStatus.Success && wentOn)
            throw new InvalidOperationException($"{OpcodeTable.Name(last.Op)} was to end with {last.Status}");
        bool ranOut = last.Status is EvmStatus.OutOfGas or EvmStatus.GasOverflow;
        if (status == EvmStatus.OutOfGas && !ranOut)
            throw new InvalidOperationException($"{OpcodeTable.Name(last.Op)} with {last.Gas} gas was to cost {last.Cost}");
    }
}
