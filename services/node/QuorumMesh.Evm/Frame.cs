using System.Runtime.CompilerServices;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>One running piece of code. Reused by depth; stack and memory are pinned, so plain pointers reach them.</summary>
internal sealed unsafe class Frame
{
    private const int SmallestMemory = 4096;
    private const int LargestKeptMemory = 1 << 20;

    private readonly UInt256[] _stack = GC.AllocateUninitializedArray<UInt256>(EvmLimits.StackSize, pinned: true);
    private byte[] _memory = [];
    private ulong _memoryGas;

    public Frame() => Stack = (UInt256*)Unsafe.AsPointer(ref _stack[0]);

    public readonly UInt256* Stack;

    public byte* Memory;

    /// <summary>In bytes, a multiple of 32.</summary>
    public int MemorySize;

    /// <summary>The first offset at which a 32-byte word is not wholly inside the memory.</summary>
    public ulong WordLimit;

    /// <summary>The machine that runs this frame.</summary>
    public EvmMachine Machine = null!;

    public byte* CodeStart;
    public int CodeLength;
    public int Pc;
    public int Height;
    public long Gas;
    public long StartGas;

    /// <summary>The gas when the frame's heat was last noted.</summary>
    public long UnheatedGas;

    /// <summary>
    /// Backward jumps until it is asked whether the run is to be stopped, and whether a compiled body can take over an interpreted frame.
    /// </summary>
    public int JumpsToCheck;

    public EvmStatus Status;

    public Opcode Kind;
    public Address Contract;
    public Address Caller;
    public UInt256 Value;
    public bool IsStatic;

    /// <summary>GoQuorum's read-only mode: a private transaction is in a frame of the public state.</summary>
    public bool QuorumReadOnly;

    /// <summary>The "current state" of the dual-state rules.</summary>
    public IWorldState State = null!;

    public int Snapshot;

    /// <summary>Call data: a part of the caller's memory, which stands still while this frame runs.</summary>
    public byte* Input;

    public int InputLength;

    /// <summary>Return data of the last call this frame made.</summary>
    public byte[] ReturnData = [];

    public int ReturnOffset;
    public int ReturnLength;

    /// <summary>RETURN or REVERT range in this frame's memory.</summary>
    public int OutputOffset;

    public int OutputLength;

    /// <summary>Where the caller wants the output.</summary>
    public int ResultOffset;

    public int ResultLength;

    /// <summary>Null in a frame that is interpreted.</summary>
    public CompiledCode? Compiled;

    private Code _code = Code.Empty;
    private byte* _jumpDestinations;

    public Code Code => _code;

    public byte[] MemoryBuffer => _memory;

    public Span<byte> MemorySpan => _memory.AsSpan(0, MemorySize);

    public ReadOnlySpan<byte> InputSpan => new(Input, InputLength);

    public ReadOnlySpan<byte> ReturnSpan => ReturnData.AsSpan(ReturnOffset, ReturnLength);

    public ReadOnlySpan<byte> OutputSpan => _memory.AsSpan(OutputOffset, OutputLength);

    public void SetCode(Code code)
    {
        _code = code;
        CodeStart = code.Start;
        CodeLength = code.Length;
        _jumpDestinations = code.JumpDestinations;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsJumpDestination(UInt256* target)
    {
        ulong offset = target->U0;
        return target->IsUInt64 && offset < (ulong)CodeLength && (_jumpDestinations[offset >> 3] & 1 << (int)(offset & 7)) != 0;
    }

    public void Reset()
    {
        Pc = 0;
        Height = 0;
        MemorySize = 0;
        WordLimit = 0;
        _memoryGas = 0;
        ReturnData = [];
        ReturnOffset = ReturnLength = OutputOffset = OutputLength = 0;
        Status = EvmStatus.OutOfGas;
    }

    /// <summary>Drops references that a pooled frame must not keep alive.</summary>
    public void Release()
    {
        State = null!;
        Machine = null!;
        SetCode(Code.Empty);
        Compiled = null;
        ReturnData = [];
        ReturnOffset = ReturnLength = OutputOffset = OutputLength = 0;
        if (_memory.Length <= LargestKeptMemory) return;
        _memory = [];
        Memory = null;
    }

    public void ClearReturnData()
    {
        ReturnData = [];
        ReturnOffset = ReturnLength = 0;
    }

    public void SetReturnData(byte[] data)
    {
        ReturnData = data;
        ReturnOffset = 0;
        ReturnLength = data.Length;
    }

    /// <summary>Makes offset..offset+length accessible. Returns the gas left, negative when it does not suffice.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public long Grow(ulong offset, ulong length, long gas)
    {
        if (length == 0) return gas;
        if (offset > EvmLimits.MemoryBytes || length > EvmLimits.MemoryBytes) return -1;
        ulong end = offset + length;
        if (end <= (ulong)MemorySize) return gas;
        if (end > EvmLimits.MemoryBytes) return -1;
        ulong words = end + 31 >> 5;
        // Cmem (Yellow Paper, appendix H).
        ulong price = 3 * words + words * words / 512;
        gas -= (long)(price - _memoryGas);
        if (gas < 0) return gas;
        _memoryGas = price;
        Resize((int)(words * 32));
        return gas;
    }

    private void Resize(int size)
    {
        if (size > _memory.Length)
        {
            long doubled = Math.Max(SmallestMemory, Math.Min((long)_memory.Length * 2, EvmLimits.MemoryBytes));
            byte[] larger = GC.AllocateUninitializedArray<byte>((int)Math.Max(size, doubled), pinned: true);
            _memory.AsSpan(0, MemorySize).CopyTo(larger);
            _memory = larger;
            Memory = (byte*)Unsafe.AsPointer(ref larger[0]);
        }

        // The buffer may hold the memory of an earlier frame; new memory reads as zero (Yellow Paper, section 9.1).
        _memory.AsSpan(MemorySize, size - MemorySize).Clear();
        MemorySize = size;
        WordLimit = (ulong)(size - 31);
    }
}
