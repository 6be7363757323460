using QuorumMesh.Evm;
using QuorumMesh.Primitives;

namespace QuorumMesh.Fuzz;

/// <summary>
/// What a run of programs shares, so that only the program itself is compiled anew: the fork and the contracts it can call.
/// </summary>
internal sealed class ProgramGroup
{
    public const int Size = 128;

    private const ulong Purpose = 1;
    private static readonly IReadOnlyDictionary<UInt256, UInt256> _noStorage = new Dictionary<UInt256, UInt256>();

    private readonly ulong _seed;
    private readonly List<FuzzAccount> _others = [];

    public ProgramGroup(ulong seed, ulong index)
    {
        _seed = seed;
        FuzzRandom random = FuzzRandom.For(seed, Purpose, index);
        Fork[] forks = Enum.GetValues<Fork>();
        Fork = forks[(int)(index % (ulong)forks.Length)];
        // GoQuorum's rules with any fork, also with those it never had.
        IsQuorum = random.OneIn(2);
        HasTightLimits = index % 32 == 1;
        _others.Add(new FuzzAccount(FuzzAddresses.Caller, 5, 1_000_000_000, [], _noStorage));
        _others.Add(new FuzzAccount(FuzzAddresses.Empty, 0, default, [], _noStorage));
        foreach (Address helper in FuzzAddresses.Helpers)
            _others.Add(new FuzzAccount(helper, 1, (UInt256)(ulong)random.Below(3), ProgramGenerator.Generate(random, Fork),
                Storage(random)));
        if (Fork >= Fork.Prague)
            _others.Add(new FuzzAccount(FuzzAddresses.Delegating, 1, 10,
                Delegation.Encode(random.OneIn(2) ? FuzzAddresses.Program : FuzzAddresses.Helpers[0]), Storage(random)));
        _others.Add(new FuzzAccount(FuzzAddresses.Wrappers[0], 1, 100, Wrapper(Fork >= Fork.Byzantium ? Opcode.STATICCALL : Opcode.CALL),
            _noStorage));
        _others.Add(new FuzzAccount(FuzzAddresses.Wrappers[1], 1, 100,
            Wrapper(Fork >= Fork.Homestead ? Opcode.DELEGATECALL : Opcode.CALLCODE), Storage(random)));
        _others.Add(new FuzzAccount(FuzzAddresses.Wrappers[2], 1, 100, Wrapper(Opcode.CALLCODE), Storage(random)));
    }

    public Fork Fork { get; }

    private bool IsQuorum { get; }

    private bool HasTightLimits { get; }

    public byte[] Program(ulong index) => ProgramGenerator.Generate(FuzzRandom.For(_seed, Purpose + 1, index), Fork);

    /// <summary>One of the runs of a program. Its gas is ample; <see cref="ScarceGas"/> gives less.</summary>
    public FuzzCase Case(ulong index, int run, byte[] program)
    {
        FuzzRandom random = FuzzRandom.For(_seed, Purpose + 2 + (ulong)run, index);
        var account = new FuzzAccount(FuzzAddresses.Program, 1, (UInt256)(ulong)random.Below(2000), program, Storage(random));
        var result = new FuzzCase
        {
            Fork = Fork,
            IsQuorum = IsQuorum,
            HasTightLimits = HasTightLimits,
            Public = [.. _others, account],
            To = FuzzAddresses.Program,
            Input = Input(random, program),
            Gas = random.Below(8) switch { 0 => 400_000UL, < 3 => 120_000UL, < 6 => 60_000UL, _ => random.Between(0UL, 30_000UL) },
            Value = random.OneIn(6) ? (UInt256)(ulong)random.Below(100) : UInt256.Zero,
        };
        if (IsQuorum && random.OneIn(2)) result = Split(random, result);
        return random.Below(8) switch
        {
            < 3 => result with { To = FuzzAddresses.Wrappers[random.Below(3)] },
            3 => result with { To = null, Input = program },
            4 when Fork >= Fork.Prague => result with { To = FuzzAddresses.Delegating },
            _ => result,
        };
    }

    /// <summary>At the end, a little before it, or anywhere: where a frame runs out of gas must not depend on the tier.</summary>
    public static ulong ScarceGas(FuzzRandom random, ulong used) => random.Below(4) switch
    {
        0 => used,
        1 => used - Math.Min(used, (ulong)random.Between(1, 60)),
        _ => random.Between(0UL, used),
    };

    /// <summary>A private run: each account in the public state, in the private one, or in both.</summary>
    private static FuzzCase Split(FuzzRandom random, FuzzCase whole)
    {
        var publicAccounts = new List<FuzzAccount>();
        var privateAccounts = new List<FuzzAccount>();
        foreach (FuzzAccount account in whole.Public)
        {
            int where = random.Below(8);
            if (where < 4 || account.Address == FuzzAddresses.Caller) publicAccounts.Add(account);
            if (where > 2) privateAccounts.Add(where == 3 ? account.With(storage: Storage(random)) : account);
        }

        return whole with { Public = publicAccounts, Private = privateAccounts };
    }

    private static IReadOnlyDictionary<UInt256, UInt256> Storage(FuzzRandom random)
    {
        if (random.OneIn(3)) return _noStorage;
        var storage = new Dictionary<UInt256, UInt256>();
        for (int i = random.Between(1, 3); i > 0; i--)
        {
            UInt256 value = random.Word();
            if (!value.IsZero) storage[(UInt256)(ulong)random.Below(4)] = value;
        }

        return storage;
    }

    private static byte[] Input(FuzzRandom random, byte[] program)
    {
        var input = new List<byte>();
        for (int words = random.OneIn(8) ? 0 : random.Between(1, 4); words > 0; words--)
        {
            int start = program.Length == 0 ? 0 : random.Below(program.Length);
            int destination = Array.IndexOf(program, (byte)Opcode.JUMPDEST, start);
            UInt256 word = destination >= 0 && random.OneIn(3) ? Target(random, (ulong)destination) : random.Word();
            input.AddRange(word.ToBigEndian());
        }

        if (random.OneIn(4)) input.AddRange(random.Bytes(random.Below(31)));
        return [.. input];
    }

    /// <summary>Now and then with something in one of the upper limbs.</summary>
    private static UInt256 Target(FuzzRandom random, ulong destination) => random.Below(16) switch
    {
        0 => new UInt256(destination, 1),
        1 => new UInt256(destination, 0, 1),
        2 => new UInt256(destination, 0, 0, 1UL << 63),
        _ => destination,
    };

    /// <summary>Passes its input on, notes the flag in memory behind the answer, and returns both.</summary>
    private static byte[] Wrapper(Opcode call)
    {
        var writer = new ProgramWriter(hasPush0: false);
        writer.Op(Opcode.CALLDATASIZE);
        writer.Push(UInt256.Zero);
        writer.Push(UInt256.Zero);
        writer.Op(Opcode.CALLDATACOPY);
        writer.Push(64);
        writer.Push(32);
        writer.Op(Opcode.CALLDATASIZE);
        writer.Push(UInt256.Zero);
        if (call is Opcode.CALL or Opcode.CALLCODE) writer.Op(Opcode.CALLVALUE);
        writer.Push(FuzzAddresses.Program.ToWord());
        // Before EIP-150 all gas cannot be asked for; what is left pays for the rest of the wrapper.
        writer.Push(2_000);
        writer.Op(Opcode.GAS);
        writer.Op(Opcode.SUB);
        writer.Op(call);
        writer.Push(UInt256.Zero);
        writer.Op(Opcode.MSTORE);
        writer.Push(96);
        writer.Push(UInt256.Zero);
        writer.Op(Opcode.RETURN);
        return writer.Finish();
    }
}
