using System.Diagnostics;
using System.Net.Http.Headers;
using System.Numerics;
using Nethereum.JsonRpc.Client;
using Nethereum.RPC.Eth.DTOs;
using Nethereum.Web3;
using QuorumMesh.Cli.Network;
using QuorumMesh.Outbound;

namespace QuorumMesh.Cli.Demo;

/// <summary>A participant as a dApp sees it: deploys, calls and reads through Nethereum.</summary>
/// <param name="timeout">For one call; 30 s unless given.</param>
public sealed class DemoParty(DemoAccess access, TimeSpan? timeout = null)
{
    public DemoParty(Participant participant, TimeSpan? timeout = null)
        : this(new DemoAccess(participant.Name, participant.Rpc, participant.Account, participant.TxManagerKey), timeout)
    {
    }

    private static readonly TimeSpan CallTimeout = TimeSpan.FromSeconds(30);
    private static readonly SocketsHttpHandler Connections = new OutboundHandlers().Create(OutboundLimits.Local);

    private const string Gas = "0x47b760";
    private static readonly TimeSpan MiningTimeout = TimeSpan.FromSeconds(60);

    // Nethereum gives the HTTP client its node's address: one client serves one node.
    private readonly Web3 _web3 = new(new RpcClient(new Uri(access.Rpc), Client(access, timeout ?? CallTimeout)));

    public string Name => access.Name;
    public string ManagerKey => access.TxManagerKey;

    /// <returns>The transaction hash.</returns>
    public Task<string> SendPrivateAsync(string? to, string data, IEnumerable<DemoParty> privateFor, CancellationToken cancel)
    {
        // Nethereum's own transaction has no privateFor.
        var transaction = new Dictionary<string, object>
        {
            ["from"] = access.Account,
            ["data"] = data,
            ["gas"] = Gas,
            ["privateFor"] = privateFor.Select(p => p.ManagerKey).ToArray(),
        };
        if (to is not null) transaction["to"] = to;
        return AskAsync("eth_sendTransaction",
            () => _web3.Client.SendRequestAsync<string>("eth_sendTransaction", null, transaction), cancel);
    }

    /// <summary>Waits until this participant has the receipt.</summary>
    public async Task<TransactionReceipt> ReceiptAsync(string hash, CancellationToken cancel)
    {
        var clock = Stopwatch.StartNew();
        while (true)
        {
            var asked = AskAsync("eth_getTransactionReceipt",
                () => _web3.Eth.Transactions.GetTransactionReceipt.SendRequestAsync(hash), cancel);
            if (await asked.ConfigureAwait(false) is { } receipt) return receipt;
            if (clock.Elapsed > MiningTimeout)
                throw new CommandException($"transaction {hash} has no receipt at {Name} after {MiningTimeout.TotalSeconds} s");
            await Task.Delay(20, cancel).ConfigureAwait(false);
        }
    }

    /// <summary>The number that the contract holds here; 0 where there is no code.</summary>
    public async Task<ulong> ReadAsync(string contract, CancellationToken cancel)
    {
        var stored = _web3.Eth.GetContract(SimpleStorage.Abi, contract).GetFunction("storedData");
        return (ulong)await AskAsync("eth_call", () => stored.CallAsync<BigInteger>(), cancel).ConfigureAwait(false);
    }

    private static HttpClient Client(DemoAccess access, TimeSpan timeout)
    {
        var client = new HttpClient(Connections, disposeHandler: false) { Timeout = timeout };
        if (access.TokenFile is { } file)
            client.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", File.ReadAllText(file).Trim());
        return client;
    }

    /// <exception cref="CommandException">The node answered with an error, or did not answer.</exception>
    private async Task<T> AskAsync<T>(string method, Func<Task<T>> ask, CancellationToken cancel)
    {
        try
        {
            return await ask().WaitAsync(cancel).ConfigureAwait(false);
        }
        catch (RpcResponseException e)
        {
            throw new CommandException($"{method} at {access.Rpc}: {e.RpcError.Message}");
        }
        catch (Exception e) when (e is RpcClientUnknownException or RpcClientTimeoutException)
        {
            throw new CommandException($"{method} at {access.Rpc}: {e.InnerException?.Message ?? e.Message}");
        }
    }
}
