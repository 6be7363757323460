using QuorumMesh.Node.Rpc.Calls;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Api;

/// <summary>Accounts of the node's keystore. Opening a key costs a key derivation: one at a time, away from the request threads.</summary>
internal sealed class PersonalApi(INode node, TransactionSender sender, EthInfoApi info) : IRpcApi
{
    private const ulong MaxUnlockSeconds = 9_223_372_036;
    private const int SignatureSize = 65;
    private static readonly TimeSpan DefaultUnlock = TimeSpan.FromSeconds(300);

    private readonly SemaphoreSlim _derivation = new(1, 1);

    public void Register(RpcMethodTable table)
    {
        table.Add("personal_listAccounts", 0, info.WriteAccounts);
        table.Add("personal_listWallets", 0, ListWallets);
        table.AddAsync("personal_newAccount", 1, NewAccountAsync);
        table.AddAsync("personal_importRawKey", 2, ImportAsync);
        table.AddAsync("personal_unlockAccount", 3, UnlockAsync);
        table.Add("personal_lockAccount", 1, Lock);
        table.AddAsync("personal_sendTransaction", 2, SendAsync);
        table.AddAsync("personal_signAndSendTransaction", 2, SendAsync);
        table.AddAsync("personal_signTransaction", 2, SignTransactionAsync);
        table.AddAsync("personal_sign", 3, SignAsync);
        table.Add("personal_ecRecover", 2, Recover);
    }

    private async ValueTask NewAccountAsync(RpcCall call)
    {
        var password = call.Text(0);
        call.Result.Value(await DeriveAsync(call, () => node.Accounts.NewAccount(password)).ConfigureAwait(false));
    }

    private async ValueTask ImportAsync(RpcCall call)
    {
        var (digits, password) = (call.Text(0), call.Text(1));
        if (!Hex.TryFromHex(digits, out var key)) throw new RpcException("invalid hex string");
        if (key.Length != 32) throw new RpcException("invalid length, need 256 bits");
        call.Result.Value(await DeriveAsync(call, () => node.Accounts.Import(key, password)).ConfigureAwait(false));
    }

    private async ValueTask UnlockAsync(RpcCall call)
    {
        var (address, password) = (call.Address(0), call.Text(1));
        TimeSpan? duration = DefaultUnlock;
        if (call.Has(2))
        {
            var seconds = call.NumberOrQuantity(2);
            if (seconds > MaxUnlockSeconds) throw new RpcException("unlock duration too large");
            duration = seconds == 0 ? null : TimeSpan.FromSeconds(seconds);
        }
        if (!node.Accounts.Accounts.Contains(address)) throw new RpcException("no key for given address or file");
        await DeriveAsync(call, () =>
        {
            node.Accounts.Unlock(address, password, duration);
            return true;
        }).ConfigureAwait(false);
        call.Result.WriteBooleanValue(true);
    }

    private void Lock(RpcCall call)
    {
        node.Accounts.Lock(call.Address(0));
        call.Result.WriteBooleanValue(true);
    }

    private async ValueTask SendAsync(RpcCall call)
    {
        var (arguments, password) = (call.Read(0, SendTransactionArguments.Read), call.Text(1));
        call.Result.Value(await sender.SendAsync(arguments, password, call.Session.UserAgent, call.Cancellation).ConfigureAwait(false));
    }

    private async ValueTask SignTransactionAsync(RpcCall call)
    {
        var (arguments, password) = (call.Read(0, SendTransactionArguments.Read), call.Text(1));
        EthSendApi.WriteSigned(call, await DeriveAsync(call, () => sender.SignOnly(arguments, password)).ConfigureAwait(false));
    }

    private async ValueTask SignAsync(RpcCall call)
    {
        var (data, address) = (call.Bytes(0), call.Address(1));
        // Wallets have no password to give: the unlocked key signs.
        var password = call.Has(2) ? call.Text(2) : null;
        var signature = password is null ? node.Accounts.Sign(address, SignedMessage.Hash(data))
            : await DeriveAsync(call, () => node.Accounts.SignWithPassword(address, password, SignedMessage.Hash(data)))
            .ConfigureAwait(false);
        call.Result.Data(SignedMessage.WithRecoveryByte(signature));
    }

    private static void Recover(RpcCall call)
    {
        var (data, signature) = (call.Bytes(0), call.Bytes(1));
        if (signature.Length != SignatureSize) throw new RpcException($"signature must be {SignatureSize} bytes long");
        if (signature[^1] is not (27 or 28)) throw new RpcException("invalid Ethereum signature (V is not 27 or 28)");
        call.Result.Value(SignedMessage.Recover(data, signature) ?? throw new RpcException("invalid signature"));
    }

    private void ListWallets(RpcCall call)
    {
        var json = call.Result;
        json.WriteStartArray();
        foreach (var account in node.Accounts.Accounts)
        {
            var url = node.Accounts.PathOf(account) is { } path ? $"keystore://{path}" : "keystore://";
            json.WriteStartObject();
            json.WriteString("url", url);
            json.WriteString("status", node.Accounts.IsUnlocked(account) ? "Unlocked" : "Locked");
            json.WriteStartArray("accounts");
            json.WriteStartObject();
            json.Value("address"u8, account);
            json.WriteString("url", url);
            json.WriteEndObject();
            json.WriteEndArray();
            json.WriteEndObject();
        }
        json.WriteEndArray();
    }

    private async Task<T> DeriveAsync<T>(RpcCall call, Func<T> work)
    {
        await _derivation.WaitAsync(call.Cancellation).ConfigureAwait(false);
        try
        {
            return await Task.Run(work, call.Cancellation).ConfigureAwait(false);
        }
        finally
        {
            _derivation.Release();
        }
    }
}
