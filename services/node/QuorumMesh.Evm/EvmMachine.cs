using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using QuorumMesh.Evm.Compiler;
using QuorumMesh.Evm.Precompiles;
using QuorumMesh.Primitives;

namespace QuorumMesh.Evm;

/// <summary>
/// Runs byte code in one block's context. One run at a time; not thread safe. A private transaction is given two different states and
/// follows GoQuorum's dual-state rules, a public one is given the same object twice.
/// </summary>
public sealed unsafe partial class EvmMachine
{
    private const int LocalCodes = 64;

    private readonly BlockContext _block;
    private readonly Fork _fork;
    private readonly EvmOptions _options;
    private readonly Func<bool>? _stop;
    private readonly ulong* _dispatch;
    private readonly long _expByteGas;
    private readonly bool _berlin;
    private readonly EvmRules _rules;
    private readonly CodeCache _codes;
    private readonly Action<HotCode>? _scheduler;
    private readonly bool _spurious;
    private readonly bool _prague;
    private readonly Precompile?[] _precompiles;
    private readonly (Hash256 Hash, Code? Code)[] _localCodes = new (Hash256, Code?)[LocalCodes];

    private FrameStack _frames = null!;
    private int _depth;
    private bool _childOpened;
    private IWorldState _public = null!;
    private IWorldState _private = null!;
    private bool _dual;
    private Address _origin;
    private UInt256 _gasPrice;
    private IReadOnlyList<Hash256> _blobHashes = [];
    private IEvmTracer? _tracer;
    private bool _hasUnpaidCode;
    private AffectedContracts? _affected;

    /// <summary>A machine for the transactions of one block.</summary>
    public EvmMachine(BlockContext block, Fork fork, EvmOptions options)
    {
        _block = block;
        _fork = fork;
        _options = options;
        _stop = options.Stop;
        _dispatch = (ulong*)Unsafe.AsPointer(ref MemoryMarshal.GetArrayDataReference(OpcodeTable.Dispatch(fork)));
        // EIP-160.
        _expByteGas = fork >= Fork.SpuriousDragon ? 50 : 10;
        _berlin = fork >= Fork.Berlin;
        _rules = options.Rules;
        _codes = options.Code ?? new CodeCache();
        _scheduler = options is { Tier: EvmTier.Auto, TakeOverAfter: null } ? _codes.Hot : null;
        _spurious = fork >= Fork.SpuriousDragon;
        _prague = fork >= Fork.Prague;
        _precompiles = PrecompileTable.For(fork);
    }

    /// <summary>Frames that began interpreted and went on compiled.</summary>
    internal long FramesTakenOver { get; private set; }

    /// <summary>A message call at depth 0. Top-level failures that change nothing (insufficient balance) give the gas back.</summary>
    /// <param name="affected">Notes what the run enters and makes; null where nobody asks.</param>
    public EvmResult Call(in Address origin, in UInt256 gasPrice, in Address caller, in Address to, byte[] input, ulong gas,
        in UInt256 value, IWorldState publicState, IWorldState privateState, IEvmTracer? tracer = null,
        IReadOnlyList<Hash256>? blobHashes = null, AffectedContracts? affected = null)
    {
        fixed (byte* data = input)
        {
            var request = new CallRequest
            {
                Kind = Opcode.CALL,
                Caller = caller,
                Contract = to,
                CodeAddress = to,
                Value = value,
                Input = data,
                InputLength = input.Length,
                Gas = Clamp(gas),
            };
            Prepare(origin, gasPrice, publicState, privateState, tracer, blobHashes, affected);
            try
            {
                WarmImplementation(to);
                CallOutcome outcome = _tracer is null ? BeginCall(request, privateState, readOnly: false, depth: 0)
                    : TraceCall(request, privateState, readOnly: false, depth: 0);
                return Conclude(outcome, gas, null);
            }
            finally
            {
                Release();
            }
        }
    }

    /// <summary>A contract creation at depth 0: reads and bumps the creator's nonce in the public state.</summary>
    /// <param name="affected">See <see cref="Call"/>.</param>
    public EvmResult Create(in Address origin, in UInt256 gasPrice, in Address caller, byte[] initCode, ulong gas, in UInt256 value,
        IWorldState publicState, IWorldState privateState, IEvmTracer? tracer = null, IReadOnlyList<Hash256>? blobHashes = null,
        AffectedContracts? affected = null)
    {
        fixed (byte* data = initCode)
        {
            var request = new CallRequest
            {
                Kind = Opcode.CREATE,
                Caller = caller,
                Contract = Address.ForCreate(caller, publicState.GetNonce(caller)),
                Value = value,
                Input = data,
                InputLength = initCode.Length,
                Gas = Clamp(gas),
            };
            Prepare(origin, gasPrice, publicState, privateState, tracer, blobHashes, affected);
            try
            {
                CallOutcome outcome = _tracer is null ? BeginCreate(request, privateState, readOnly: false, depth: 0)
                    : TraceCreate(request, privateState, readOnly: false, depth: 0);
                return Conclude(outcome, gas, request.Contract);
            }
            finally
            {
                Release();
            }
        }
    }

    // Gas is counted in signed 64 bits; what a caller has above that (only tests do) can never be spent and is handed back at the end.
    private static long Clamp(ulong gas) => (long)Math.Min(gas, long.MaxValue);

    private void Prepare(in Address origin, in UInt256 gasPrice, IWorldState publicState, IWorldState privateState, IEvmTracer? tracer,
        IReadOnlyList<Hash256>? blobHashes, AffectedContracts? affected)
    {
        _frames = FrameStack.Rent();
        _depth = -1;
        _childOpened = _hasUnpaidCode = false;
        _origin = origin;
        _gasPrice = gasPrice;
        _public = publicState;
        _private = privateState;
        _dual = !ReferenceEquals(publicState, privateState);
        _tracer = tracer;
        _blobHashes = blobHashes ?? [];
        _affected = affected;
    }

    private void Release()
    {
        _frames.Return();
        _frames = null!;
        _public = _private = null!;
        _tracer = null;
        _affected = null;
    }

    private EvmResult Conclude(in CallOutcome outcome, ulong gas, Address? created)
    {
        ulong beyond = gas - (ulong)Clamp(gas);
        if (!outcome.Opened)
            return new EvmResult(outcome.Status, (ulong)outcome.GasLeft + beyond, outcome.Output, created);
        _childOpened = false;
        if (_tracer is null) Drive<TraceOff>();
        else Drive<TraceOn>();
        Frame top = _frames[0];
        EvmStatus status = _hasUnpaidCode && _rules.LacksHomestead ? EvmStatus.CodeStoreOutOfGas : top.Status;
        return new EvmResult(status, (ulong)top.Gas + beyond, top.OutputSpan.ToArray(), created);
    }

    /// <summary>Runs frames until the one at depth 0 has ended.</summary>
    private void Drive<TTrace>()
        where TTrace : struct, ITraceMode
    {
        while (true)
        {
            Frame f = _frames[_depth];
            bool ended = TTrace.Enabled || f.Compiled is null ? Interpret<TTrace>(f, _dispatch) : f.Compiled.Run(f);
            if (!ended) continue;
            Finish(f);
            if (_depth == 0) return;
            Frame parent = _frames[--_depth];
            Resume(parent, f);
        }
    }

    /// <summary>
    /// The tier is chosen when a frame is opened, and once more in a long loop (<see cref="TakeOver"/>). Init code runs once and
    /// is never compiled.
    /// </summary>
    private CompiledCode? ChooseTier(Code code, Opcode kind)
    {
        if (_tracer is not null || _options.Tier == EvmTier.Interpreter || _options.TakeOverAfter is not null
            || kind is Opcode.CREATE or Opcode.CREATE2) return null;
        return _options.Tier == EvmTier.Compiled ? code.Compile(_fork, _options.Limits, _codes) : code.Compiled(_fork);
    }

    private int JumpsToCheck(Opcode kind)
    {
        if (_stop is not null) return CompilerLimits.JumpsToCheck;
        if (_options.Tier != EvmTier.Auto || kind is Opcode.CREATE or Opcode.CREATE2) return int.MaxValue;
        return _options.TakeOverAfter?.Invoke() ?? CompilerLimits.JumpsToCheck;
    }

    /// <summary>
    /// After many backward jumps of an interpreted frame: notes its heat so far. True when it can go on compiled, and then does.
    /// </summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private bool TakeOver(Frame f, long gas)
    {
        CheckStop();
        f.JumpsToCheck = JumpsToCheck(f.Kind);
        if (_options.Tier != EvmTier.Auto || f.Compiled is not null || f.Kind is Opcode.CREATE or Opcode.CREATE2) return false;
        f.Gas = gas;
        NoteHeat(f);
        f.Compiled = _options.TakeOverAfter is null ? f.Code.Compiled(_fork) : f.Code.Compile(_fork, _options.Limits, _codes);
        if (f.Compiled is null) return false;
        FramesTakenOver++;
        return true;
    }

    private void CheckStop() => Stopping.Check(_stop);

    /// <summary>After many backward jumps of a compiled frame.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    private static void PauseCompiled(Frame f)
    {
        f.Machine.CheckStop();
        f.JumpsToCheck = f.Machine._stop is null ? int.MaxValue : CompilerLimits.JumpsToCheck;
    }

    private void NoteHeat(Frame f)
    {
        if (_scheduler is null || f.Compiled is not null || f.Kind is Opcode.CREATE or Opcode.CREATE2) return;
        long used = f.UnheatedGas - f.Gas;
        f.UnheatedGas = f.Gas;
        if (f.Code.Heat(_fork, used)) _scheduler(new HotCode(f.Code, _fork, _codes));
    }

    private void Finish(Frame f)
    {
        NoteHeat(f);
        if (f.Status == EvmStatus.Success)
        {
            if (f.Kind is Opcode.CREATE or Opcode.CREATE2) f.Status = DepositCode(f);
        }

        // The current state alone is taken back, as GoQuorum does it: a frame of the other one cannot have written, it is
        // read-only.
        if (f.Status != EvmStatus.Success)
        {
            f.State.RevertToSnapshot(f.Snapshot);
            // EIP-140: REVERT alone leaves the caller gas and data.
            if (f.Status != EvmStatus.Revert)
            {
                f.Gas = 0;
                f.OutputOffset = f.OutputLength = 0;
            }
        }

        _tracer?.Exit(_depth, TracedStatus(f.Status), (ulong)Math.Max(0, f.StartGas - f.Gas), f.OutputSpan);
    }

    private EvmStatus DepositCode(Frame f)
    {
        ReadOnlySpan<byte> code = f.OutputSpan;
        // EIP-170.
        if (_spurious && _rules.LimitCodeSize && code.Length > _rules.MaxCodeSize) return EvmStatus.CodeSizeExceeded;
        // EIP-3541.
        if (_fork >= Fork.London && code.Length > 0 && code[0] == 0xef) return EvmStatus.InvalidCode;
        long price = code.Length * GasPrices.CodeByte;
        if (price > f.Gas)
        {
            // EIP-2.
            if (_fork >= Fork.Homestead && !_rules.LacksHomestead) return EvmStatus.CodeStoreOutOfGas;
            // Frontier: the contract is there, without code.
            _hasUnpaidCode = _depth == 0;
            f.OutputOffset = f.OutputLength = 0;
            return EvmStatus.Success;
        }

        f.Gas -= price;
        f.State.SetCode(f.Contract, code.ToArray());
        return EvmStatus.Success;
    }

    /// <summary>Hands a child's result to its caller, whose stack already has room for the flag on top.</summary>
    private static void Resume(Frame parent, Frame child)
    {
        parent.Gas += child.Gas;
        bool success = child.Status == EvmStatus.Success;
        UInt256* flag = parent.Stack + parent.Height - 1;
        if (child.Kind is Opcode.CREATE or Opcode.CREATE2)
        {
            *flag = success ? child.Contract.ToWord() : default;
            if (success)
            {
                // EIP-211: a creation that succeeds leaves no return data.
                parent.ClearReturnData();
                return;
            }
        }
        else
        {
            *flag = success ? UInt256.One : default;
            int copied = Math.Min(child.OutputLength, parent.ResultLength);
            if (copied > 0) child.OutputSpan[..copied].CopyTo(parent.MemorySpan[parent.ResultOffset..]);
        }

        parent.ReturnData = child.MemoryBuffer;
        parent.ReturnOffset = child.OutputOffset;
        parent.ReturnLength = child.OutputLength;
    }

    private UInt256 DifficultyOrRandao() => _block.PrevRandao is { } randao ? randao.ToWord() : _block.Difficulty;

    private static bool StackFault(Frame f, byte op, int height)
    {
        f.Gas = 0;
        OpcodeInfo? row = OpcodeTable.IsDefined(op, f.Machine._fork) ? OpcodeTable.Find(op) : null;
        f.Status = row is null ? EvmStatus.InvalidOpcode : height < row.Pops ? EvmStatus.StackUnderflow : EvmStatus.StackOverflow;
        return true;
    }

    private Code Resolve(IWorldState state, in Address address)
    {
        Hash256 hash = state.GetCodeHash(address);
        if (hash.IsZero || hash == Hash256.EmptyCode) return Code.Empty;
        ref (Hash256 Hash, Code? Code) local = ref _localCodes[hash.GetHashCode() & LocalCodes - 1];
        if (local.Code is { } known && local.Hash == hash) return known;
        Code? code = _codes.Find(hash);
        if (code is null)
        {
            code = new Code(state.GetCode(address));
            _codes.Add(hash, code);
        }

        local = (hash, code);
        return code;
    }

    /// <summary>GoQuorum's dual look-up: the private state where it has the account, else the public one, else the current one.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private IWorldState Dual(Frame f, in Address a) => _dual ? Dual(f.State, a) : f.State;

    private IWorldState Dual(IWorldState current, in Address a)
    {
        if (!_dual) return current;
        // The private state has the word where both know an address: a party's contract must see its own side, also where a
        // stranger's payment made a public account at the same address (2.5:core/vm/evm.go getDualState).
        if (_private.Exists(a)) return _private;
        return _public.Exists(a) ? _public : current;
    }
}
