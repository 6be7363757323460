using QuorumMesh.Evm;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;

namespace QuorumMesh.Chain.Tracing;

public sealed record CallTracerOptions
{
    public bool OnlyTopCall { get; init; }

    public bool WithLog { get; init; }

    /// <summary>The output of a reverted transaction is kept (geth from 1.9.20 on).</summary>
    public bool KeepsRevertData { get; init; }

    /// <summary>A SELFDESTRUCT has its contract, heir and balance (geth from 1.10 on); before it had nothing but its name.</summary>
    public bool ShowsSelfDestruct { get; init; }
}

/// <summary>
/// geth's callTracer as GoQuorum has it (eth/tracers/internal/tracers/call_tracer.js): calls to precompiles are left out, the
/// output of an inner call is what its caller took of it, a call to an account without code has no gas. Unlike GoQuorum 2.5,
/// CREATE2 is a call of its own.
/// </summary>
public sealed class CallTracer(CallTracerOptions options, TraceErrors errors, Fork fork, TraceBudget budget) : IEvmTracer
{
    private const int FrameBytes = 320;
    private const int LogBytes = 128;

    private readonly Stack<CallFrame> _open = [];
    private CallFrame? _awaitsOutput;

    /// <summary>Null when nothing was called: the node is a stranger to the transaction.</summary>
    public CallFrame? Top { get; private set; }

    /// <inheritdoc/>
    public void Step(in EvmStep step)
    {
        var frame = _open.Peek();
        frame.HasRun = true;
        TakeOutput(step);
        if (step.Status != EvmStatus.Success)
        {
            frame.Error = errors.Of(step);
            return;
        }
        switch ((Opcode)step.Opcode)
        {
            case Opcode.CALL or Opcode.CALLCODE:
                frame.Result = (step.Peek(5), step.Peek(6));
                break;
            case Opcode.DELEGATECALL or Opcode.STATICCALL:
                frame.Result = (step.Peek(4), step.Peek(5));
                break;
            case Opcode.SELFDESTRUCT when !options.OnlyTopCall:
                AddSelfDestruct(frame, step);
                break;
            case Opcode.JUMP or Opcode.JUMPI:
                var target = step.Peek(0);
                frame.Jump = (target, target.IsUInt64 && (ulong)target < (ulong)step.Code.Length ? step.Code[(int)(ulong)target] : null);
                break;
            case >= Opcode.LOG0 and <= Opcode.LOG4 when options.WithLog && !frame.IsHidden:
                AddLog(frame, step);
                break;
        }
    }

    /// <inheritdoc/>
    public void Enter(int depth, Opcode kind, in Address from, in Address to, ReadOnlySpan<byte> input, ulong gas, in UInt256 value)
    {
        _awaitsOutput = null;
        var creates = kind is Opcode.CREATE or Opcode.CREATE2;
        if (depth > 0 && (options.OnlyTopCall || (!creates && IsPrecompile(to))))
        {
            _open.Push(new CallFrame { Type = kind, IsHidden = true });
            return;
        }
        budget.Take(FrameBytes + (input.Length * 2L));
        var frame = new CallFrame
        {
            Type = kind,
            From = from,
            To = depth > 0 && creates ? null : to,
            Value = kind is Opcode.DELEGATECALL or Opcode.STATICCALL ? null : value,
            Gas = gas,
            Input = input.ToArray(),
            Created = creates ? to : null,
        };
        if (depth == 0) Top = frame;
        else _open.Peek().Calls.Add(frame);
        _open.Push(frame);
    }

    /// <inheritdoc/>
    public void Exit(int depth, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
    {
        var frame = _open.Pop();
        frame.HasFailed = status != EvmStatus.Success;
        if (frame.IsHidden) return;
        if (depth == 0) EndTop(frame, status, gasUsed, output);
        else if (frame.Type is Opcode.CREATE or Opcode.CREATE2) EndCreation(frame, status, gasUsed, output);
        else EndCall(frame, status, gasUsed);
        if (depth == 0 && options.WithLog) DropFailedLogs(frame, false);
    }

    private void EndTop(CallFrame frame, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
    {
        frame.GasUsed = gasUsed;
        if (status == EvmStatus.Success || (status == EvmStatus.Revert && options.KeepsRevertData && output.Length > 0))
            frame.Output = Keep(output);
        if (status != EvmStatus.Success) frame.Error ??= ErrorOf(frame, status);
    }

    private void EndCreation(CallFrame frame, EvmStatus status, ulong gasUsed, ReadOnlySpan<byte> output)
    {
        frame.GasUsed = gasUsed;
        if (!frame.HasRun) frame.Gas = null;
        if (status == EvmStatus.Success)
        {
            frame.Output = Keep(output);
            frame.To = frame.Created;
        }
        else
        {
            // What is refused before or after the code runs has no step of its own.
            frame.Error ??= status is EvmStatus.Revert or EvmStatus.InvalidJump or EvmStatus.ReturnDataOutOfBounds or EvmStatus.OutOfGas
                ? ErrorOf(frame, status) : "internal failure";
        }
    }

    private void EndCall(CallFrame frame, EvmStatus status, ulong gasUsed)
    {
        if (frame.HasRun) frame.GasUsed = gasUsed;
        else frame.Gas = null;
        if (status != EvmStatus.Success) frame.Error ??= ErrorOf(frame, status);
        else if (frame.HasRun) _awaitsOutput = frame;
    }

    /// <summary>The caller's memory holds the output from its next step on.</summary>
    private void TakeOutput(in EvmStep step)
    {
        if (_awaitsOutput is not { } ended) return;
        var (offset, length) = _open.Peek().Result;
        ended.Output = Keep(step, offset, length);
        _awaitsOutput = null;
    }

    private string ErrorOf(CallFrame frame, EvmStatus status) => status switch
    {
        EvmStatus.InvalidJump => errors.BadJump(frame.Jump.Target, frame.Jump.Opcode),
        EvmStatus.QuorumReadOnly => "VM in read-only mode. Value transfer prohibited.",
        EvmStatus.PrecompileFailure
            when frame is { To: { } precompile, Input: { } input } => PrecompileErrors.Of(PrecompileTable.Explain(fork, precompile, input)),
        _ => errors.Of(status),
    };

    private void AddLog(CallFrame frame, in EvmStep step)
    {
        var topics = new Hash256[step.Opcode - (byte)Opcode.LOG0];
        for (var i = 0; i < topics.Length; i++) topics[i] = Hash256.FromWord(step.Peek(2 + i));
        budget.Take(LogBytes + (topics.Length * 69));
        frame.Logs.Add(new CallLog(step.Contract, topics, Keep(step, step.Peek(0), step.Peek(1)), frame.Calls.Count));
    }

    private void AddSelfDestruct(CallFrame frame, in EvmStep step)
    {
        budget.Take(FrameBytes);
        frame.Calls.Add(!options.ShowsSelfDestruct ? new CallFrame { Type = Opcode.SELFDESTRUCT } : new CallFrame
        {
            Type = Opcode.SELFDESTRUCT,
            From = step.Contract,
            To = Address.FromWord(step.Peek(0)),
            Value = step.State.GetBalance(step.Contract),
        });
    }

    private byte[] Keep(ReadOnlySpan<byte> bytes)
    {
        budget.Take(bytes.Length * 2L);
        return bytes.ToArray();
    }

    /// <summary>
    /// A range of memory costs its contract nothing once the memory is there, so that each call can name all of it: it is counted
    /// before it is copied.
    /// </summary>
    private byte[] Keep(in EvmStep step, in UInt256 offset, in UInt256 length)
    {
        if (length.IsUInt64) budget.Take((long)Math.Min((ulong)length, EvmLimits.MemoryBytes) * 2);
        return step.Slice(offset, length);
    }

    private static void DropFailedLogs(CallFrame frame, bool failed)
    {
        failed |= frame.HasFailed;
        if (failed) frame.Logs.Clear();
        foreach (var call in frame.Calls) DropFailedLogs(call, failed);
    }

    private bool IsPrecompile(in Address address) => PrecompileTable.Addresses(fork).Contains(address);
}
