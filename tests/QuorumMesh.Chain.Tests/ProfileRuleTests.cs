using QuorumMesh.Chain.Engines;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Chain.Genesis;
using QuorumMesh.Chain.Pool;
using QuorumMesh.Evm;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Chain.Tests;

/// <summary>What GoQuorum of each generation makes of the same genesis: one table for each rule.</summary>
public sealed class ProfileRuleTests
{
    private static readonly Address _sender = Address.Parse("0xed9d02e382b34818e88b88a309c7fe71e65f419d");
    private static readonly Address _contract = Address.Parse("0x1000000000000000000000000000000000000001");

    private static readonly ChainConfig _constantinople = new()
    {
        ChainId = 10u,
        IsQuorum = true,
        HomesteadBlock = 0,
        Eip150Block = 0,
        Eip155Block = 0,
        Eip158Block = 0,
        ByzantiumBlock = 0,
        ConstantinopleBlock = 5,
    };

    // Fork of block 5 on under profiles 2.5, 2.6, 21, 24.
    public static TheoryData<string, ChainConfig, Fork[]> Forks => new()
    {
        { "Constantinople alone", _constantinople, [Fork.Constantinople, Fork.Petersburg, Fork.Petersburg, Fork.Petersburg] },
        { "Petersburg with it", _constantinople with { PetersburgBlock = 5 },
            [Fork.Constantinople, Fork.Petersburg, Fork.Petersburg, Fork.Petersburg] },
        { "Petersburg later", _constantinople with { PetersburgBlock = 9 },
            [Fork.Constantinople, Fork.Constantinople, Fork.Constantinople, Fork.Constantinople] },
        { "Istanbul too", _constantinople with { PetersburgBlock = 5, IstanbulBlock = 5 },
            [Fork.Constantinople, Fork.Istanbul, Fork.Istanbul, Fork.Istanbul] },
        { "Berlin too", _constantinople with { PetersburgBlock = 5, IstanbulBlock = 5, BerlinBlock = 5 },
            [Fork.Constantinople, Fork.Istanbul, Fork.Istanbul, Fork.Berlin] },
        { "Byzantium", _constantinople with { ConstantinopleBlock = null },
            [Fork.Byzantium, Fork.Byzantium, Fork.Byzantium, Fork.Byzantium] },
    };

    // Gas of SSTORE 1, SSTORE 0 on a fresh slot, before refunds: EIP-1283 20000 + 200, before it 20000 + 5000, EIP-2200 20000 +
    // 800, EIP-2929 22100 + 100.
    public static TheoryData<ChainConfig, ulong[]> StoreGas => new()
    {
        { _constantinople, [20_200, 25_000, 25_000, 25_000] },
        { _constantinople with { PetersburgBlock = 5, IstanbulBlock = 5 }, [20_200, 20_800, 20_800, 20_800] },
        { _constantinople with { PetersburgBlock = 5, IstanbulBlock = 5, BerlinBlock = 5 }, [20_200, 20_800, 20_800, 22_200] },
    };

    // KiB at block 4, and at block 5, under profiles 2.5, 2.6, 21, 24.
    public static TheoryData<string, ChainConfig, int[], int[]> CodeSizes => new()
    {
        { "nothing given", _constantinople, [24, 24, 24, 24], [24, 24, 24, 24] },
        { "maxCodeSize alone", _constantinople with { MaxCodeSizeKb = 35 }, [24, 35, 35, 35], [24, 35, 35, 35] },
        { "maxCodeSize from a block", _constantinople with { MaxCodeSizeKb = 35, MaxCodeSizeChangeBlock = 5 }, [24, 24, 24, 24],
            [35, 35, 35, 35] },
        { "a block without a size", _constantinople with { MaxCodeSizeChangeBlock = 5 }, [24, 24, 24, 24], [24, 24, 24, 24] },
        { "maxCodeSizeConfig", _constantinople with { MaxCodeSizeConfig = [new(0, 32), new(5, 128)] }, [24, 32, 32, 32],
            [24, 128, 128, 128] },
        { "maxCodeSizeConfig, first step later", _constantinople with { MaxCodeSizeConfig = [new(5, 64)] }, [24, 24, 24, 24],
            [24, 64, 64, 64] },
        { "two steps in one block", _constantinople with { MaxCodeSizeConfig = [new(5, 64), new(5, 32)] }, [24, 24, 24, 24],
            [24, 32, 32, 32] },
    };

    // Whether a gas price above 0 is allowed at block 5.
    public static TheoryData<string, ChainConfig, bool[]> GasPrices => new()
    {
        { "Quorum", _constantinople, [false, false, false, false] },
        { "enableGasPriceBlock 5", _constantinople with { EnableGasPriceBlock = 5 }, [false, false, false, true] },
        { "enableGasPriceBlock 6", _constantinople with { EnableGasPriceBlock = 6 }, [false, false, false, false] },
        { "no Quorum", _constantinople with { IsQuorum = false }, [true, true, true, true] },
    };

    [Theory]
    [MemberData(nameof(Forks))]
    public void Constantinople_has_EIP1283_up_to_2_5_and_Petersburg_from_2_6_on(string genesis, ChainConfig config, Fork[] expected)
    {
        Assert.True(expected.SequenceEqual(CompatibilityProfile.All.Select(p => config.ForkAt(5, p))), genesis);
        Assert.All(CompatibilityProfile.All, p => Assert.Equal(Fork.Byzantium, config.ForkAt(4, p)));
    }

    [Theory]
    [MemberData(nameof(StoreGas))]
    public void Storage_is_priced_by_that(ChainConfig config, ulong[] expected)
    {
        var used = CompatibilityProfile.All.Select(profile =>
        {
            var state = new WorldState(EmptyState.Instance);
            // GAS, SSTORE(0,1), SSTORE(0,0), GAS: the difference without the four pushes (12) and the second GAS (2) is returned.
            state.SetCode(_contract, Hex.FromHex("0x5a60016000556000600055" + "5a9003600e9003" + "60005260206000f3"));
            var outcome = Execute(config, profile, state, new TransactionMessage { From = _sender, To = _contract, GasLimit = 200_000 });
            Assert.True(outcome.PublicSuccess);
            return (ulong)UInt256.FromBigEndian(outcome.Output);
        });
        Assert.Equal(expected, used);
    }

    [Theory]
    [MemberData(nameof(CodeSizes))]
    public void Code_size_limits_count_from_their_block(string genesis, ChainConfig config, int[] before, int[] after)
    {
        for (var i = 0; i < 4; i++)
        {
            var profile = CompatibilityProfile.All[i];
            Assert.True((before[i] * 1024, after[i] * 1024) == (config.MaxCodeSizeAt(4, profile), config.MaxCodeSizeAt(5, profile)),
                $"{genesis} {profile}");
            // And so it is executed: one byte more is one too many.
            foreach (var (size, fits) in new[] { (after[i] * 1024, true), ((after[i] * 1024) + 1, false) })
            {
                var init = Hex.FromHex($"0x62{size:x6}6000f3");
                var outcome = Execute(config, profile, new WorldState(EmptyState.Instance),
                    new TransactionMessage { From = _sender, Data = init, GasLimit = 40_000_000 });
                Assert.True(fits == outcome.PublicSuccess, $"{genesis} {profile} {size}");
                Assert.Equal(fits ? EvmStatus.Success : EvmStatus.CodeSizeExceeded, outcome.Status);
            }
        }
    }

    [Theory]
    [InlineData(0, 64)]
    [InlineData(32, 32)]
    [InlineData(128, 128)]
    public void Transaction_size_limit_is_the_pools(int configured, int limitKb)
    {
        foreach (var profile in CompatibilityProfile.All)
        {
            var config = _constantinople with { TxnSizeLimitKb = configured };
            var fits = WithSize(limitKb * 1024);
            Assert.Equal(limitKb * 1024, fits.Size);
            Assert.Null(PoolError(config, profile, fits));
            Assert.Equal("oversized data", PoolError(config, profile, WithSize((limitKb * 1024) + 1)));
        }
    }

    [Theory]
    [MemberData(nameof(GasPrices))]
    public void Gas_price_is_zero_in_pool_and_block_until_it_is_enabled(string genesis, ChainConfig config, bool[] allowed)
    {
        for (var i = 0; i < 4; i++)
        {
            var profile = CompatibilityProfile.All[i];
            var error = PoolError(config, profile, new Transaction { To = _contract, GasLimit = 21_000, GasPrice = UInt256.One });
            Assert.True(allowed[i] == error is null, $"{genesis} {profile}: {error}");
            if (!allowed[i]) Assert.Equal("Gas price not 0", error);
            var message = new TransactionMessage { From = _sender, To = _contract, GasLimit = 21_000, GasPrice = 1, MaxFeePerGas = 1 };
            Assert.Equal(allowed[i] ? TransactionInvalid.None : TransactionInvalid.GasPriceNotZero,
                Execute(config, profile, new WorldState(EmptyState.Instance), message).Invalid);
            // Gas is metered, and block limits hold, at price 0 too.
            Assert.Equal(TransactionInvalid.IntrinsicGas,
                Execute(config, profile, new WorldState(EmptyState.Instance),
                message with { GasPrice = 0, MaxFeePerGas = 0, GasLimit = 20_999 }).Invalid);
        }
    }

    // Parent's limit and gas used, then the next limit with floor 700 000 000 and ceiling 800 000 000.
    [Theory]
    [InlineData(750_000_000, 0, 749_816_896)] // down by 1/4096 less 1
    [InlineData(750_000_000, 750_000_000, 750_091_554)] // half of 1/4096 more when full
    [InlineData(750_000_000, 500_000_000, 750_000_001)] // two thirds keep it, but for the step's 1
    [InlineData(0xE0000000, 0, 0xDFF20001)] // from above the ceiling by the same steps
    [InlineData(700_000_000, 0, 700_000_000)] // not below the floor
    [InlineData(699_999_000, 0, 700_000_000)]
    [InlineData(4_704_588, 0, 700_000_000)] // the least limit there is
    [InlineData(800_000_000, 800_000_000, 800_000_000)] // not above the ceiling
    public void Gas_limit_moves_by_a_4096th(ulong limit, ulong used, ulong expected) =>
        Assert.Equal(expected, new GasLimitRule().Next(new BlockHeader { GasLimit = limit, GasUsed = used }));

    [Theory]
    [InlineData(0, 3)]
    [InlineData(4, 3)]
    [InlineData(5, 2)]
    public void Raft_pays_the_zero_address_by_fork(ulong block, ulong ether)
    {
        foreach (var profile in CompatibilityProfile.All)
        {
            Assert.Equal(Ether(ether), Reward(_constantinople, profile, block));
            Assert.Equal(Ether(5), Reward(_constantinople with { ByzantiumBlock = 9, ConstantinopleBlock = 9 }, profile, block));
            Assert.Equal(Ether(2), Reward(
                _constantinople with { PetersburgBlock = 0, ConstantinopleBlock = 0, IstanbulBlock = 0, BerlinBlock = 0 }, profile, block));
        }
    }

    [Fact]
    public void Ibft_pays_nobody()
    {
        var chain = new IstanbulChainBuilder();
        var state = new WorldState(EmptyState.Instance);
        chain.Engine.Finalise(chain.Next(0), state);
        Assert.Equal(StateRoot.Compute(new WorldState(EmptyState.Instance).TakeChanges()), StateRoot.Compute(state.TakeChanges()));
    }

    // What is wrong with a header, and whether Raft's and IBFT's engine refuse it: Raft trusts its log, IBFT looks at seals;
    // neither at steps of the gas limit.
    public static TheoryData<string, Func<BlockHeader, BlockHeader>, bool, bool> Headers => new()
    {
        { "nothing", h => h, false, false },
        { "number", h => h with { Number = h.Number + 1 }, true, true },
        { "parent", h => h with { ParentHash = Hash256.EmptyTrie }, true, true },
        { "gas limit halved", h => h with { GasLimit = h.GasLimit / 2 }, false, false },
        { "difficulty", h => h with { Difficulty = 2u }, false, true },
        { "time of the parent", h => h with { Time = IstanbulChainBuilder.Time }, false, true },
        { "mix digest", h => h with { MixHash = Hash256.EmptyTrie }, false, true },
        { "nonce", h => h with { Nonce = 7 }, false, true },
        { "extra data", h => h with { ExtraData = [1, 2, 3] }, false, true },
        { "coinbase", h => h with { Coinbase = _contract }, false, false },
    };

    [Theory]
    [MemberData(nameof(Headers))]
    public void Headers_that_each_engine_refuses(string what, Func<BlockHeader, BlockHeader> change, bool raft, bool ibft)
    {
        var chain = new IstanbulChainBuilder();
        Assert.True(ibft == chain.Engine.VerifyHeader(chain.Next(0, change: change), chain.Head) is not null, $"IBFT {what}");
        foreach (var profile in CompatibilityProfile.All)
        {
            var (rules, producer) = (new RaftHeaderRules(_constantinople), new RaftBlockProducer(_constantinople, profile));
            var parent = new BlockHeader { GasLimit = 700_000_000, Time = IstanbulChainBuilder.Time };
            Assert.True(raft == rules.VerifyHeader(change(producer.Prepare(parent, BlockTime.OfNanoseconds(parent.Time + 1))),
                parent) is not null, $"Raft {profile} {what}");
        }
    }

    // An empty account stands until it is touched. Only a genesis file, or a chain that began before EIP-158, has any.
    [Fact]
    public void STATICCALL_touches_its_target_from_2_6_on()
    {
        var empty = Address.Parse("0x9000000000000000000000000000000000000009");
        foreach (var profile in CompatibilityProfile.All)
        {
            var state = new WorldState(EmptyState.Instance);
            state.AddBalance(empty, default);
            state.SetCode(_contract, Hex.FromHex($"0x600060006000600073{empty.ToString()[2..]}61fffffa00"));
            state.SetNonce(_contract, 1);
            state.FinaliseTransaction(deleteEmpty: false);
            Assert.True(Execute(_constantinople, profile, state,
                new TransactionMessage { From = _sender, To = _contract, GasLimit = 200_000 }).PublicSuccess);
            Assert.True((profile == CompatibilityProfile.V2_5) == state.Exists(empty), profile.Name);
        }
    }

    // The first transaction makes the precompile's account, and EIP-158 clears it; the second makes it again.
    [Fact]
    public void An_account_of_a_precompile_stays_when_made_twice_in_a_block_from_2_6_on()
    {
        var identity = Address.FromWord(4u);
        foreach (var profile in CompatibilityProfile.All)
        {
            var state = new WorldState(EmptyState.Instance);
            TransactionMessage Call(ulong nonce, ulong value = 0) =>
                new() { From = _sender, To = identity, GasLimit = 30_000, Nonce = nonce, Value = value };
            var stays = profile != CompatibilityProfile.V2_5;
            Assert.True(Execute(_constantinople, profile, state, Call(0)).PublicSuccess);
            Assert.False(state.Exists(identity), profile.Name);
            Assert.True(Execute(_constantinople, profile, state, Call(1)).PublicSuccess);
            Assert.True(stays == state.Exists(identity), profile.Name);
            Assert.True(Execute(_constantinople, profile, state, Call(2)).PublicSuccess);
            Assert.True(stays == state.Exists(identity), profile.Name);
            Assert.Equal(stays, state.TakeChanges().Accounts.ContainsKey(identity));
            Assert.True(Execute(_constantinople, profile, state, Call(3, value: 1)).PublicSuccess);
            Assert.Equal(UInt256.One, state.GetBalance(identity));
        }
    }

    [Fact]
    public void A_mismatch_names_the_profiles_that_differ_at_the_block()
    {
        string[] Others(ChainConfig config, CompatibilityProfile profile, ulong block) =>
            [.. new ChainRules(config, profile, new RaftHeaderRules(config)).OtherProfilesAt(block).Select(p => p.Name)];
        Assert.Equal(["2.6"], Others(_constantinople, CompatibilityProfile.V2_5, 5));
        Assert.Equal(["2.5"], Others(_constantinople, CompatibilityProfile.V24, 5));
        Assert.Equal(["2.5"], Others(_constantinople, CompatibilityProfile.V24, 4));
        Assert.Empty(Others(_constantinople with { ByzantiumBlock = 5 }, CompatibilityProfile.V24, 4));
        Assert.Equal(["2.6"], Others(_constantinople with { ConstantinopleBlock = null, MaxCodeSizeKb = 35 },
            CompatibilityProfile.V2_5, 4));
        Assert.Equal(["2.5", "2.6"],
            Others(_constantinople with { PetersburgBlock = 5, IstanbulBlock = 5, BerlinBlock = 5 }, CompatibilityProfile.V24, 5));
        Assert.Equal(["2.5", "24"],
            Others(_constantinople with { ConstantinopleBlock = null, EnableGasPriceBlock = 3 }, CompatibilityProfile.V21, 4));
    }

    [Theory]
    [InlineData(false, 21_000 + 64 * 4)]
    [InlineData(true, 53_000 + 64 * 4)]
    public void Where_gas_has_a_price_a_private_transaction_pays_for_its_hash(bool creates, ulong gas)
    {
        var state = new WorldState(EmptyState.Instance);
        var message = new TransactionMessage
        {
            From = _sender,
            To = creates ? null : _contract,
            GasLimit = 100_000,
            GasPrice = 3u,
            Data = new byte[64],
            IsPrivate = true
        };
        Assert.True(Execute(_constantinople with { EnableGasPriceBlock = 5 }, CompatibilityProfile.V24, state, message).PublicSuccess);
        Assert.Equal(((UInt256)(3 * gas), (UInt256)(1_000_000_000 - 3 * gas)), (state.GetBalance(default), state.GetBalance(_sender)));
    }

    /// <summary>Seen on a chain of GoQuorum 2.5.0: the first private call of a block makes its author's account.</summary>
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, false)]
    public void A_private_call_touches_the_authors_account(bool clearsEmpty, bool isThere)
    {
        var state = new WorldState(EmptyState.Instance);
        var message = new TransactionMessage { From = _sender, To = _contract, GasLimit = 100_000, Data = new byte[64], IsPrivate = true };
        Execute(_constantinople with { Eip158Block = clearsEmpty ? 0 : null, ByzantiumBlock = null, ConstantinopleBlock = null },
            CompatibilityProfile.V2_5, state, message);
        Assert.Equal(isThere, state.Exists(default));
    }

    /// <summary>Seen on chains of GoQuorum 2.5.0, whose documents show such a genesis.</summary>
    [Theory]
    [InlineData(0, 54_000, "intrinsic gas too low")]
    [InlineData(null, 30_000, null)]
    public void Byzantium_without_Homestead_keeps_what_creations_cost_before(int? homestead, ulong gas, string? atBasePrice)
    {
        var config = _constantinople with { HomesteadBlock = (ulong?)homestead, ConstantinopleBlock = null };
        var returnsHundredBytes = new byte[] { 0x60, 100, 0x60, 0, 0xf3 };
        var state = new WorldState(EmptyState.Instance);
        var outcome = Execute(config, CompatibilityProfile.V2_5, state,
            new TransactionMessage { From = _sender, GasLimit = gas, Data = returnsHundredBytes });
        Assert.Equal((TransactionInvalid.None, false, EvmStatus.CodeStoreOutOfGas),
            (outcome.Invalid, outcome.PublicSuccess, outcome.Status));
        Assert.Equal((homestead is null, 0),
            (state.Exists(Address.ForCreate(_sender, 0)), state.GetCode(Address.ForCreate(_sender, 0)).Length));
        // Without Homestead: the intrinsic gas, two pushes, and four words of memory.
        Assert.Equal(homestead is null ? 21_000UL + 4 * 68 + 4 + 6 + 12 : gas, outcome.GasUsed);
        Assert.Equal(atBasePrice, PoolError(config, CompatibilityProfile.V2_5, new Transaction { GasLimit = 21_000 }));
    }

    [Fact]
    public void What_a_profile_passes_over_is_told()
    {
        var config = _constantinople with { IstanbulBlock = 9, MaxCodeSizeConfig = [new(0, 32)], EnableGasPriceBlock = 9, BerlinBlock = 9 };
        Assert.Equal(["istanbulBlock", "maxCodeSizeConfig", "enableGasPriceBlock", "berlinBlock"],
            config.IgnoredFields(CompatibilityProfile.V2_5));
        Assert.Equal(["enableGasPriceBlock", "berlinBlock"], config.IgnoredFields(CompatibilityProfile.V2_6));
        Assert.Equal(["enableGasPriceBlock", "berlinBlock"], config.IgnoredFields(CompatibilityProfile.V21));
        Assert.Empty(config.IgnoredFields(CompatibilityProfile.V24));
    }

    private static TransactionOutcome Execute(ChainConfig config, CompatibilityProfile profile, WorldState state,
        TransactionMessage message)
    {
        var rules = new ChainRules(config, profile, new RaftHeaderRules(config));
        state.SetBalance(_sender, 1_000_000_000);
        var processor = new TransactionProcessor(new BlockContext { Number = 5, GasLimit = 100_000_000 }, rules.ForkAt(5),
            rules.TransactionRulesAt(5));
        var pool = 100_000_000UL;
        return processor.Execute(message, state, null, answer: null, ref pool);
    }

    private static string? PoolError(ChainConfig config, CompatibilityProfile profile, Transaction transaction)
    {
        var pool = new TransactionPool(config, profile, new PoolHead(4, 700_000_000, _ => (0, UInt256.MaxValue >> 1)));
        return pool.Add(new RecoveredTransaction(transaction, _sender), isLocal: true, DateTimeOffset.UnixEpoch).Error;
    }

    private static Transaction WithSize(int bytes)
    {
        Transaction Of(int data) => new() { To = _contract, GasLimit = 100_000_000, Data = new byte[data] };
        return Of(bytes - (Of(bytes - 100).Size - (bytes - 100)));
    }

    private static UInt256 Reward(ChainConfig config, CompatibilityProfile profile, ulong block)
    {
        var state = new WorldState(EmptyState.Instance);
        new RaftHeaderRules(config).Finalise(new BlockHeader { Number = block }, state);
        return state.GetBalance(default);
    }

    private static UInt256 Ether(ulong amount) => (UInt256)amount * 1_000_000_000u * 1_000_000_000u;
}
