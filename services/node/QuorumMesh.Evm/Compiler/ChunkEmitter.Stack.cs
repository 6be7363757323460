using System.Reflection.Emit;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm.Compiler;

// The virtual stack of one block. Positions count from the stack's top at the block's start: 0 is the first word pushed, -1 the
// word on top before.
internal sealed partial class ChunkEmitter
{
    private readonly Dictionary<int, StackValue> _stack = [];

    /// <summary>Which value the frame's stack really holds at a position; none where it is of no interest.</summary>
    private readonly Dictionary<int, StackValue> _memory = [];

    private readonly List<LocalBuilder> _locals = [];
    private int _localsUsed;
    private int _height;

    private void BeginStack()
    {
        _stack.Clear();
        _memory.Clear();
        _localsUsed = 0;
        _height = 0;
    }

    private void Push(StackValue value) => _stack[_height++] = value;

    private StackValue Pop()
    {
        StackValue value = At(--_height);
        _stack.Remove(_height);
        return value;
    }

    private StackValue At(int position)
    {
        if (_stack.TryGetValue(position, out StackValue? value)) return value;
        value = StackValue.InSlot(position);
        _stack[position] = value;
        _memory[position] = value;
        return value;
    }

    private void Duplicate(int depth) => Push(At(_height - depth));

    private void Swap(int depth)
    {
        int top = _height - 1;
        int other = top - depth;
        StackValue upper = At(top);
        StackValue lower = At(other);
        _stack[top] = lower;
        _stack[other] = upper;
    }

    /// <summary>The value's limbs, loaded from the frame's stack when they are not here yet.</summary>
    private ReadOnlySpan<Limb> Limbs(StackValue value)
    {
        if (!value.IsLoaded)
        {
            var limbs = new Limb[4];
            for (int i = 0; i < limbs.Length; i++)
            {
                EmitSlotAddress(value.Slot, i * sizeof(ulong));
                _il.Emit(OpCodes.Ldind_I8);
                limbs[i] = StoreNew();
            }

            value.Load(limbs);
        }

        return value.Limbs;
    }

    /// <summary>Pops the evaluation stack into a new local.</summary>
    private Limb StoreNew()
    {
        if (_localsUsed == _locals.Count) _locals.Add(_il.DeclareLocal(typeof(ulong)));
        LocalBuilder local = _locals[_localsUsed++];
        _il.Emit(OpCodes.Stloc, local);
        return Limb.In(local);
    }

    private void Emit(Limb limb)
    {
        if (limb.IsConstant) _il.Emit(OpCodes.Ldc_I8, (long)limb.Constant);
        else _il.Emit(OpCodes.Ldloc, limb.Local!);
    }

    private void EmitSlotAddress(int position, int offset = 0)
    {
        _il.Emit(OpCodes.Ldloc, _sp);
        int bytes = position * UInt256.Size + offset;
        if (bytes == 0) return;
        _il.Emit(OpCodes.Ldc_I4, bytes);
        _il.Emit(OpCodes.Conv_I);
        _il.Emit(OpCodes.Add);
    }

    /// <summary>Makes the frame's stack hold the value of a position.</summary>
    private void Spill(int position)
    {
        StackValue value = At(position);
        if (_memory.TryGetValue(position, out StackValue? there) && ReferenceEquals(there, value)) return;
        Limbs(value);
        Claim(position);
        for (int i = 0; i < 4; i++)
        {
            EmitSlotAddress(position, i * sizeof(ulong));
            Emit(value.Limbs[i]);
            _il.Emit(OpCodes.Stind_I8);
        }

        _memory[position] = value;
    }

    /// <summary>Before a position of the frame's stack is overwritten: what is still to be loaded from there is loaded.</summary>
    private void Claim(int position)
    {
        if (!_memory.Remove(position, out StackValue? old) || old.IsLoaded) return;
        foreach ((int other, StackValue value) in _stack)
        {
            if (other >= _height || !ReferenceEquals(value, old)) continue;
            Limbs(old);
            return;
        }
    }

    private void SpillAll()
    {
        foreach (int position in _stack.Keys.Where(p => p < _height).Order().ToArray()) Spill(position);
    }

    /// <summary>Writes everything out and forgets the locals: what follows loads anew. Keeps their number within bounds.</summary>
    private void FreeLocals()
    {
        if (_localsUsed < _limits.Locals) return;
        SpillAll();
        int height = _height;
        BeginStack();
        _height = height;
    }

    /// <summary>The instruction's operands are in the frame's stack, and its results may be written over them.</summary>
    private void SpillOperands(OpcodeInfo row)
    {
        for (int i = 1; i <= row.Pops; i++) Spill(_height - i);
        int bottom = _height - row.Pops;
        for (int i = 0; i < row.Pops; i++) _stack.Remove(bottom + i);
        int top = _height;
        _height = bottom;
        // Copies of an operand elsewhere on the stack must not be read from where results come.
        for (int i = 0; i < Math.Max(row.Pops, row.Pushes); i++) Claim(bottom + i);
        _height = top;
    }

    /// <summary>Behind an instruction out of line: its operands are gone, its results lie in the frame's stack.</summary>
    private void TakeResults(OpcodeInfo row)
    {
        _height -= row.Pops;
        for (int i = 0; i < row.Pushes; i++)
        {
            StackValue result = StackValue.InSlot(_height);
            _memory[_height] = result;
            _stack[_height++] = result;
        }
    }
}
