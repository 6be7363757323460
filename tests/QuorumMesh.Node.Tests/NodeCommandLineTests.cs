using System.CommandLine;
using QuorumMesh.Node.FlagGroups;
using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Storage.KeyValue;
using QuorumMesh.ServiceDefaults;
using QuorumMesh.State.Store;
using QuorumMesh.Tests.Shared;

namespace QuorumMesh.Node.Tests;

[Collection(EnvironmentCollection.Name)]
public sealed class NodeCommandLineTests : IDisposable
{
    private readonly TempDirectory _temp = new();

    public void Dispose() => _temp.Dispose();

    [Fact]
    public void Defaults_are_geths()
    {
        var settings = Read();
        Assert.Equal((30303, 50400, 50, 50, 3),
            (settings.Port, settings.RaftPort, settings.RaftBlockTime, settings.MaxPeers, settings.Verbosity));
        Assert.Equal(new RpcListener(false, "127.0.0.1", 8545, "eth,net,web3"), settings.Http);
        Assert.Equal(new RpcListener(false, "127.0.0.1", 8546, "eth,net,web3"), settings.Ws);
        Assert.Null(settings.Profile);
        Assert.Null(settings.NetworkId);
        Assert.False(settings.Archive);
    }

    [Fact]
    public void A_7nodes_start_line_is_understood()
    {
        var settings = Read("--nodiscover --verbosity 5 --networkid 31337 --raft --rpc --rpcaddr 0.0.0.0 --rpcapi admin,eth,raft "
            + "--rpc.insecure --emitcheckpoints --raftport 50401 "
            + "--rpcport 22000 --port 21000 --nousb --miner.threads 1 --mine --permissioned --raftblocktime 100 --raftjoinexisting 4 "
                + "--gcmode archive --syncmode full --revertreason");
        Assert.Equal((31337ul, 50401, 21000, 100, 4),
            (settings.NetworkId!.Value, settings.RaftPort, settings.Port, settings.RaftBlockTime, settings.RaftJoinExisting!.Value));
        Assert.Equal(new RpcListener(true, "0.0.0.0", 22000, "admin,eth,raft"), settings.Http);
        Assert.True(settings is { RevertReason: true, Permissioned: true, EmitCheckpoints: true, Archive: true, Verbosity: 5 });
    }

    [Fact]
    public void A_validators_start_line_is_understood()
    {
        var settings = Read("--istanbul.blockperiod 5 --istanbul.requesttimeout 4000 --allowedfutureblocktime 2 --mine --minerthreads 1");
        Assert.Equal((5, 4000, 2), (settings.IstanbulBlockPeriod, settings.IstanbulRequestTimeout, settings.AllowedFutureBlockTime));
    }

    /// <summary>Of quorum-wizard, the quorum quickstart and the Helm charts.</summary>
    [Theory]
    [InlineData("--nodiscover --verbosity 3 --networkid 10 --nousb --graphql --graphql.vhosts=* --raft --raftport 50401 --rpc "
        + "--rpccorsdomain=* --rpcvhosts=* --emitcheckpoints --allow-insecure-unlock --vmodule raft=5",
        "--nodiscover --nousb --graphql --graphql.vhosts --vmodule")]
    [InlineData("--nodiscover --syncmode full --istanbul.blockperiod 5 --mine --miner.threads 1 --miner.gasprice 0 --emitcheckpoints "
        + "--metrics --pprof --pprof.addr 0.0.0.0 --pprof.port 9545 --http --http.corsdomain *",
        "--nodiscover --mine --miner.threads --miner.gasprice --metrics --pprof --pprof.addr --pprof.port")]
    [InlineData("--txpool.globalslots 0xffff --txpool.pricelimit=0 --miner.gaslimit 700000000 --gcmode archive --raftdnsenable "
        + "--ethstats a:b@c --ptm.tls.mode off --ptm.tls.rootca /x",
        "--txpool.globalslots --txpool.pricelimit --miner.gaslimit --raftdnsenable --ethstats --ptm.tls.rootca")]
    [InlineData("--mine=false --multitenancy=false", "")]
    public void What_scripts_pass_and_means_nothing_here_is_told(string arguments, string flags)
    {
        var told = Read(arguments).PassedOver;
        Assert.Equal(flags.Split(' ', StringSplitOptions.RemoveEmptyEntries).Order(), told.Select(f => f.Name).Order());
        Assert.All(told, f => Assert.NotEmpty(f.Told));
    }

    [Theory]
    [InlineData("--ptm.tls.mode strict", "--ptm.tls.mode")]
    [InlineData("--ptm.tls.rootca /ca.pem --ptm.url https://tm", "--ptm.tls.mode")]
    [InlineData("--ptm.tls.mode maybe", "--ptm.tls.mode")]
    [InlineData("--plugins file:///plugins.json", "--plugins")]
    [InlineData("--plugins.skipverify", "--plugins.skipverify")]
    [InlineData("--rpcclitls.cert x", "--rpcclitls.cert")]
    [InlineData("--rpcclitoken x", "--rpcclitoken")]
    [InlineData("--multitenancy", "--multitenancy")]
    [InlineData("--netrestrict 10.0.0.0", "--netrestrict")]
    [InlineData("--discovery --bootnodes enode://12@10.0.0.1:1", "--bootnodes")]
    [InlineData("--discovery --nodiscover", "--discovery")]
    [InlineData("--nodekeyhex 00", "--nodekeyhex")]
    [InlineData("--signer /clef.ipc", "--signer")]
    [InlineData("--qlight.tls", "--qlight.tls")]
    [InlineData("--config geth.toml", "--config")]
    [InlineData("--ptm.socket /a --ptm.url http://b", "--ptm.socket")]
    [InlineData("--ptm.url ftp://b", "--ptm.url")]
    [InlineData("--ptm.timeout -1", "--ptm.timeout")]
    [InlineData("--ptm.url http://b --privacy unix:/a", "--privacy")]
    [InlineData("--unlock 0 --ws --ws.addr 0.0.0.0", "--unlock")]
    public void What_promises_security_works_or_is_refused(string arguments, string flag) =>
        Assert.Equal(flag, Assert.Throws<OptionsException>(() => Read(arguments)).Key);

    [Fact]
    public void Discovery_is_off_unless_it_is_asked_for()
    {
        Assert.False(Read("--nodiscover").Discovery);
        Assert.False(Read().Discovery);
        var settings = Read("--discovery --netrestrict 10.0.0.0/8,fd00::/8");
        Assert.True(settings.Discovery);
        Assert.Empty(settings.PassedOver);
        Assert.Equal("10.0.0.0/8,fd00::/8", settings.NetRestrict);
    }

    [Fact]
    public void Public_transactions_are_refused_as_listed()
    {
        var policy = Read("--public.refuse-from 0x0000000000000000000000000000000000000001,0000000000000000000000000000000000000002 "
            + "--public.refuse-to 0x0000000000000000000000000000000000000003").PublicTransactions;
        Assert.Equal((2, false, 1), (policy.From.Count, policy.All, policy.To.Count));
        Assert.True(Read("--public.refuse-from *").PublicTransactions is { All: true, From.Count: 0 });
        Assert.True(Read().PublicTransactions is { All: false, From.Count: 0, To.Count: 0 });
        Assert.Equal("--public.refuse-to", Assert.Throws<OptionsException>(() => Read("--public.refuse-to 0x12")).Key);
        Assert.Equal("--public.refuse-from", Assert.Throws<OptionsException>(() => Read("--public.refuse-from me")).Key);
    }

    [Fact]
    public void Privacy_markers_are_sent_when_they_are_asked_for()
    {
        Assert.False(Read().PrivacyMarkers);
        Assert.True(Read("--privacymarker.enable").PrivacyMarkers);
    }

    [Fact]
    public void Transactions_without_a_chain_id_are_allowed_by_a_flag()
    {
        Assert.True(Read("--rpc.allow-unprotected-txs").RpcAllowUnprotected);
        Assert.Empty(Read("--rpc.allow-unprotected-txs").PassedOver);
        Assert.False(Read().RpcAllowUnprotected);
    }

    [Theory]
    [InlineData("", PrivateGuardMode.Warn)]
    [InlineData("--private-guard refuse", PrivateGuardMode.Refuse)]
    [InlineData("--private-guard off", PrivateGuardMode.Off)]
    public void The_private_guard_warns_unless_it_is_told_otherwise(string arguments, PrivateGuardMode mode) =>
        Assert.Equal(mode, Read(arguments).PrivateGuard);

    [Fact]
    public void A_private_guard_that_does_not_exist_is_refused() =>
        Assert.Equal("--private-guard", Assert.Throws<OptionsException>(() => Read("--private-guard on")).Key);

    [Fact]
    public void The_manager_is_named_as_GoQuorum_names_it() =>
        Assert.Equal(new ManagerFlags("/tm.ipc", null, 7, 0), Read("--ptm.socket /tm.ipc --ptm.timeout 7 --ptm.dialtimeout 0").Manager);

    [Fact]
    public void New_and_old_spellings_mean_the_same() =>
        Assert.Equal(
            Read("--http --http.addr 127.0.0.1 --http.port 1 --http.api eth --http.corsdomain * --ws --ws.addr ::1 --ws.port 2 --ws.api "
                + "net --ws.origins x") with
            { Unlock = [] },
            Read("--rpc --rpcaddr 127.0.0.1 --rpcport 1 --rpcapi eth --rpccorsdomain * --ws --wsaddr ::1 --wsport 2 --wsapi net "
                + "--wsorigins x") with
            { Unlock = [] },
            (a, b) => (a.Http, a.Ws, a.HttpCorsDomain, a.WsOrigins) == (b.Http, b.Ws, b.HttpCorsDomain, b.WsOrigins));

    [Theory]
    [InlineData("--http.port", "QUORUMMESH_NODE_HTTP_PORT")]
    [InlineData("--allow-insecure-unlock", "QUORUMMESH_NODE_ALLOW_INSECURE_UNLOCK")]
    [InlineData("--quorum.profile", "QUORUMMESH_NODE_QUORUM_PROFILE")]
    public void Variables_are_named_after_flags(string flag, string variable) => Assert.Equal(variable, FlagList.VariableOf(flag));

    [Fact]
    public void Environment_fills_in_and_the_command_line_wins()
    {
        using var port = new ScopedVariable("QUORUMMESH_NODE_HTTP_PORT", "9001");
        using var http = new ScopedVariable("QUORUMMESH_NODE_HTTP", "true");
        using var network = new ScopedVariable("QUORUMMESH_NODE_NETWORKID", "77");
        using var joining = new ScopedVariable("QUORUMMESH_NODE_RAFTJOINEXISTING", "5");
        using var gas = new ScopedVariable("QUORUMMESH_NODE_RPC_GASCAP", "123");
        using var profile = new ScopedVariable("QUORUMMESH_NODE_QUORUM_PROFILE", "21");
        var settings = Read();
        Assert.Equal((true, 9001), (settings.Http.Enabled, settings.Http.Port));
        Assert.Equal((77ul, 5, 123ul, "21"),
            (settings.NetworkId!.Value, settings.RaftJoinExisting!.Value, settings.RpcGasCap, settings.Profile));
        Assert.Equal((9002, 78ul), (Read("--http.port 9002 --networkid 78").Http.Port, Read("--networkid 78").NetworkId!.Value));
    }

    [Theory]
    [InlineData("QUORUMMESH_NODE_PORT", "many")]
    [InlineData("QUORUMMESH_NODE_NETWORKID", "-3")]
    [InlineData("QUORUMMESH_NODE_HTTP", "maybe")]
    public void Bad_variables_are_named(string variable, string value)
    {
        using var set = new ScopedVariable(variable, value);
        var error = Assert.Throws<OptionsException>(() => Read());
        Assert.Contains(variable, error.Message, StringComparison.Ordinal);
        Assert.Contains(value, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("--port 70000", "--port")]
    [InlineData("--raftport 0", "--raftport")]
    [InlineData("--http.port -1", "--http.port")]
    [InlineData("--ws.port 65536", "--ws.port")]
    [InlineData("--raftblocktime 0", "--raftblocktime")]
    [InlineData("--maxpeers -1", "--maxpeers")]
    [InlineData("--verbosity 6", "--verbosity")]
    [InlineData("--networkid 1", "--networkid")]
    [InlineData("--raftjoinexisting 0", "--raftjoinexisting")]
    [InlineData("--raftjoinexisting 65536", "--raftjoinexisting")]
    [InlineData("--gcmode light", "--gcmode")]
    [InlineData("--gcmode archive --history.state 5", "--history.state")]
    [InlineData("--cache 31", "--cache")]
    [InlineData("--cache 2000000", "--cache")]
    [InlineData("--cache.database 0", "--cache.database")]
    [InlineData("--cache.trie 101", "--cache.trie")]
    [InlineData("--cache.snapshot -1", "--cache.snapshot")]
    [InlineData("--cache.trie 80", "--cache.database")]
    [InlineData("--rpc.evmtimeout soon", "--rpc.evmtimeout")]
    [InlineData("--rpc.evmtimeout 48h", "--rpc.evmtimeout")]
    [InlineData("--syncmode fast", "--syncmode")]
    [InlineData("--quorum.profile 3.0", "--quorum.profile")]
    [InlineData("--genesis /no/such/file", "--genesis")]
    [InlineData("--nodekey /no/such/file", "--nodekey")]
    [InlineData("--password /no/such/file", "--password")]
    [InlineData("--unlock 0x00 --http --http.addr 0.0.0.0", "--unlock")]
    public void Bad_values_name_their_flag(string arguments, string flag) =>
        Assert.Equal(flag, Assert.Throws<OptionsException>(() => Read(arguments)).Key);

    [Fact]
    public void History_is_kept_as_asked()
    {
        Assert.Equal(128ul, Read().KeptPublicBlocks);
        Assert.Equal(90_000ul, Read("--history.state 90000").KeptPublicBlocks);
        Assert.Null(Read("--history.state 0").KeptPublicBlocks);
        Assert.Null(Read("--gcmode archive").KeptPublicBlocks);
        Assert.Null(Read("--gcmode archive --history.state 0").KeptPublicBlocks);
    }

    [Fact]
    public void The_cache_is_divided()
    {
        var cache = Read().Cache;
        Assert.Equal(new RocksStoreOptions(), cache.Database());
        Assert.InRange(cache.PublicState().NodeCacheBytes, new StateStoreOptions().NodeCacheBytes, 288L << 20);
        Assert.InRange(cache.PublicState().FlatCacheEntries, new StateStoreOptions().FlatCacheEntries, 1_100_000);
        Assert.Equal((cache.PublicState().NodeCacheBytes / 2, cache.PublicState().FlatCacheEntries / 2),
            (cache.PrivateState().NodeCacheBytes, cache.PrivateState().FlatCacheEntries));
        var given = Read("--cache 1200 --cache.database 40 --cache.trie 20 --cache.snapshot 10").Cache;
        Assert.Equal((64L << 20, 352L << 20, 160L << 20, 80L << 20),
            (given.Database().WriteBufferBytes, given.Database().BlockCacheBytes, given.PublicState().NodeCacheBytes,
            given.PrivateState().NodeCacheBytes));
        Assert.InRange(given.PublicState().FlatCacheEntries, 300_000, 400_000);
        var least = Read("--cache 32 --cache.database 1 --cache.trie 0 --cache.snapshot 0").Cache;
        Assert.Equal((1L << 20, 1L << 20, 1L << 20, 1024),
            (least.Database().WriteBufferBytes, least.Database().BlockCacheBytes, least.PrivateState().NodeCacheBytes,
            least.PrivateState().FlatCacheEntries));
    }

    [Theory]
    [InlineData("", 5_000)]
    [InlineData("--rpc.evmtimeout 500ms", 500)]
    [InlineData("--rpc.evmtimeout 1m", 60_000)]
    [InlineData("--vm.calltimeout 7", 7_000)]
    [InlineData("--rpc.evmtimeout 0", 0)]
    public void The_time_of_a_call_is_given_as_geth_or_GoQuorum_do(string arguments, int milliseconds) =>
        Assert.Equal(milliseconds, Read(arguments).RpcEvmTimeout.TotalMilliseconds);

    [Fact]
    public void No_gas_cap_is_zero() => Assert.Equal(long.MaxValue, (long)Read("--rpc.gascap 0").RpcGasCap);

    [Theory]
    [InlineData("--unlock 0x00 --http --http.addr 0.0.0.0 --allow-insecure-unlock --rpc.insecure")]
    [InlineData("--unlock 0x00,0x01 --http")]
    [InlineData("--unlock 0x00 --http.addr 0.0.0.0")]
    public void Unlocking_where_nobody_else_reaches_it_is_fine(string arguments) => Assert.NotEmpty(Read(arguments).Unlock);

    [Theory]
    [InlineData("--no-such-flag")]
    [InlineData("--port lots")]
    public void What_cannot_be_parsed_is_an_error_of_the_command_line(string arguments) => Assert.NotEmpty(Parse(arguments).Result.Errors);

    [Fact]
    public void Bootnodes_stop_no_start_without_discovery_and_those_that_cannot_be_asked_are_passed_over()
    {
        var id = new string('1', 128);
        var (name, silent, good) = ($"enode://{id}@host.name:30303", $"enode://{id}@10.0.0.1:1?discport=0", $"enode://{id}@10.0.0.2:1");
        Assert.False(Read($"--nodiscover --bootnodes {name}").Discovery);
        Assert.False(Read("--bootnodes enode://12@10.0.0.1:1").Discovery);
        var list = $"{name},enr:-AA,{name}?discport=3,{good},{silent}";
        Assert.True(Read($"--discovery --bootnodes {list}").Discovery);
        var (usable, passedOver) = PeerNetworks.Bootnodes(list);
        Assert.Equal([good], usable.Select(enode => enode.ToString()));
        Assert.Equal([name, "enr:-AA", $"{name}?discport=3", silent], passedOver);
    }

    private NodeSettings Read(string arguments = "")
    {
        var (line, result) = Parse($"{arguments} --datadir {_temp.Path}");
        Assert.Empty(result.Errors);
        return line.Read(result);
    }

    private static (NodeCommandLine Line, ParseResult Result) Parse(string arguments)
    {
        var line = new NodeCommandLine();
        var root = new RootCommand();
        line.AddTo(root);
        return (line, root.Parse(arguments.Split(' ', StringSplitOptions.RemoveEmptyEntries)));
    }
}
