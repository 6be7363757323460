using System.Buffers;
using System.Collections.Concurrent;
using QuorumMesh.Chain.Extension;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;
using QuorumMesh.State;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Begins contract extensions, votes on them, ends them and shares states. Checks, their order and their words are GoQuorum's
/// (21:extension/api.go, 24:extension/api.go).
/// </summary>
internal sealed class ExtensionDesk(INode node, NodeReader states, ManagementReader reader, TransactionSender sender,
    ExtensionJudge judge)
{
    /// <summary>Slots of a contract that is shared: more do not fit into a payload.</summary>
    private const int MostSlots = 150_000;

    private const int MostSent = 64;

    private static readonly SearchValues<char> Base64Digits =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/=\r\n");

    /// <summary>States that were sent, by management contract: while nothing has changed one is not sent again.</summary>
    private readonly ConcurrentDictionary<Address, (Account Account, string Parties, PayloadHash Hash)> _sent = new();

    /// <param name="key">Of the new party's manager, base64.</param>
    /// <param name="recipient">The account that votes for the new party.</param>
    /// <exception cref="RpcException">It is not to be begun.</exception>
    public async Task<Hash256> ExtendAsync(Address contract, string key, Address recipient, SendTransactionArguments arguments,
        CancellationToken cancellation)
    {
        await RequireNoneActiveAsync(contract, cancellation).ConfigureAwait(false);
        var account = await states.ReadAsync(cancellation, scope => RequireExtendable(scope.View, contract)).ConfigureAwait(false);
        if (recipient.IsZero) throw new RpcException("invalid recipient address");
        await RequireCreatorAsync(account, cancellation).ConfigureAwait(false);
        if (arguments.From == recipient)
            throw new RpcException("account accepting the extension cannot be the account initiating extension");
        RequireBase64(key);
        var named = arguments with { PrivateFor = Recipients(arguments.PrivateFor ?? [], key) };
        var complete = Complete(await WithPartiesAsync(named, account, cancellation).ConfigureAwait(false));
        return await SendAsync(complete, null, ManagementContract.Create(contract, recipient, key), cancellation).ConfigureAwait(false);
    }

    /// <exception cref="RpcException">There is nothing to vote on, or the account may not.</exception>
    public async Task<Hash256> VoteAsync(Address management, bool isYes, SendTransactionArguments arguments, CancellationToken cancellation)
    {
        var facts = await OpenAsync(management, arguments.From, "accept", cancellation).ConfigureAwait(false);
        var complete = Complete(await WithPartiesAsync(arguments, facts.Contract, cancellation).ConfigureAwait(false));
        RequireVoter(facts, arguments.From);
        var uuid = await MakeUuidAsync(management, complete, cancellation).ConfigureAwait(false);
        return await SendAsync(complete, management, ManagementContract.Vote(isYes, uuid), cancellation).ConfigureAwait(false);
    }

    /// <summary>What a vote that is signed elsewhere is to hold.</summary>
    /// <param name="signer">The voter.</param>
    /// <exception cref="RpcException">There is nothing to vote on, or the signer may not.</exception>
    public async Task<string> UuidAsync(Address management, Address signer, SendTransactionArguments arguments,
        CancellationToken cancellation)
    {
        var facts = await OpenAsync(management, signer, "accept", cancellation).ConfigureAwait(false);
        var complete = await WithPartiesAsync(arguments, facts.Contract, cancellation).ConfigureAwait(false);
        RequirePrivate(complete);
        RequireVoter(facts, signer);
        return await MakeUuidAsync(management, complete, cancellation).ConfigureAwait(false);
    }

    /// <exception cref="RpcException">There is nothing to end, or the account did not begin it.</exception>
    public async Task<Hash256> CancelAsync(Address management, SendTransactionArguments arguments, CancellationToken cancellation)
    {
        var facts = await OpenAsync(management, arguments.From, "cancel", cancellation).ConfigureAwait(false);
        var complete = Complete(await WithPartiesAsync(arguments, facts.Contract, cancellation).ConfigureAwait(false));
        if (facts.Creator != arguments.From) throw new RpcException("account is not the creator of this extension request");
        return await SendAsync(complete, management, ManagementContract.Finish, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Sends a contract's account, as it is at the head, to all parties of its extension, and its identifier to the management contract.
    /// GoQuorum sends that of the block of the last vote; what came since would be lost.
    /// </summary>
    /// <param name="arguments">Account, sender's key and parties.</param>
    /// <exception cref="RpcException">The contract cannot be shared.</exception>
    public async Task<Hash256> ShareAsync(ContractExtension extension, SendTransactionArguments arguments, CancellationToken cancellation)
    {
        var complete = Complete(arguments);
        var (state, account) = StateOf(extension.Contract);
        await RequireCreatorAsync(account, cancellation).ConfigureAwait(false);
        var parties = string.Join(',', complete.PrivateFor!);
        if (!_sent.TryGetValue(extension.Management, out var sent) || sent.Account != account || sent.Parties != parties)
        {
            var privacy = await PrivacyOfAsync(account, cancellation).ConfigureAwait(false);
            var send = new SendArguments(state, complete.PrivateFrom, complete.PrivateFor!) { Privacy = privacy };
            var answer = await node.TransactionManager.SendAsync(send, cancellation).ConfigureAwait(false);
            if (_sent.Count >= MostSent) _sent.Clear();
            _sent[extension.Management] = sent = (account, parties, answer.Hash);
        }
        var data = ManagementContract.ShareState(sent.Hash.ToBase64());
        return await SendAsync(complete, extension.Management, data, cancellation).ConfigureAwait(false);
    }

    /// <summary>An extension that anybody made up is in nobody's way.</summary>
    private async Task RequireNoneActiveAsync(Address contract, CancellationToken cancellation)
    {
        var (account, active) = await states.ReadAsync(cancellation, scope => (
            scope.View.PrivateState(scope.View.Head).GetAccount(contract),
            scope.View.Extensions.Where(e => e.IsActive && e.Contract == contract).ToList())).ConfigureAwait(false);
        // Who has no code for it cannot extend it either way, and hears what GoQuorum says first.
        var hasCode = account is { } own && own.CodeHash != Hash256.EmptyCode;
        foreach (var extension in active)
            if (!hasCode || await judge.MayBeTrueAsync(extension, account?.Privacy, cancellation).ConfigureAwait(false))
                throw new RpcException("contract extension in progress for the given contract address");
    }

    /// <summary>With another flag than the standard one the contract's creator alone gives it away.</summary>
    private async Task RequireCreatorAsync(Account account, CancellationToken cancellation)
    {
        if (account.Privacy is { } metadata
            && !await node.TransactionManager.IsSenderAsync(metadata.Creation, cancellation).ConfigureAwait(false))
            throw new RpcException("operation not allowed");
    }

    private static Account RequireExtendable(NodeView view, Address contract)
    {
        var own = view.PrivateState(view.Head);
        if (view.PublicState(view.Head).GetAccount(contract) is not null)
            throw new RpcException("extending a public contract!!! not allowed");
        return own.GetAccount(contract) is { } account && account.CodeHash != Hash256.EmptyCode ? account
            : throw new RpcException("extending a non-existent private contract!!! not allowed");
    }

    private async Task<ManagementFacts> OpenAsync(Address management, Address asking, string purpose, CancellationToken cancellation)
    {
        var facts = await reader.ReadAsync(management, asking, cancellation).ConfigureAwait(false);
        return !facts.IsFinished ? facts : throw new RpcException($"contract extension process complete. nothing to {purpose}");
    }

    private static void RequireVoter(ManagementFacts facts, Address voter)
    {
        if (!facts.Voters.Contains(voter)) throw new RpcException("account is not acceptor of this extension request");
        if (facts.HasVoted) throw new RpcException("already voted");
    }

    private static void RequireBase64(string key)
    {
        if (key.AsSpan().ContainsAnyExcept(Base64Digits) || !Convert.TryFromBase64String(key, new byte[key.Length], out _))
            throw new RpcException("invalid new recipient transaction manager key provided");
    }

    private static IReadOnlyList<string> Recipients(IReadOnlyList<string> given, string key) => given switch
    {
        [] => [key],
        [var only] when only == key => given,
        [_] => throw new RpcException("mismatch between recipient transaction manager key and privateFor argument"),
        _ => throw new RpcException("invalid transaction manager keys given in privateFor argument"),
    };

    private ValueTask<Account?> AccountAsync(Address contract, CancellationToken cancellation) =>
        states.ReadAsync(cancellation, scope => scope.View.PrivateState(scope.View.Head).GetAccount(contract));

    private async Task<SendTransactionArguments> WithPartiesAsync(SendTransactionArguments arguments, Address contract,
        CancellationToken cancellation) => await WithPartiesAsync(
            arguments, await AccountAsync(contract, cancellation).ConfigureAwait(false), cancellation).ConfigureAwait(false);

    /// <summary>With another flag than the standard one all parties of the contract take part; what cannot be told is left out.</summary>
    private async Task<SendTransactionArguments> WithPartiesAsync(SendTransactionArguments arguments, Account? account,
        CancellationToken cancellation)
    {
        if (account?.Privacy is not { } metadata) return arguments;
        try
        {
            var parties = await node.TransactionManager.ParticipantsAsync(metadata.Creation, cancellation).ConfigureAwait(false);
            return arguments with { PrivateFor = [.. arguments.PrivateFor ?? [], .. parties] };
        }
        catch (TransactionManagerException)
        {
            return arguments;
        }
    }

    private static void RequirePrivate(SendTransactionArguments arguments)
    {
        if (arguments.PrivateFor is null) throw new RpcException("must specify private participants");
    }

    private SendTransactionArguments Complete(SendTransactionArguments arguments)
    {
        RequirePrivate(arguments);
        return node.Accounts.Accounts.Contains(arguments.From)
            ? arguments with { Gas = arguments.Gas ?? ManagementContract.DefaultGas, GasPrice = arguments.GasPrice ?? UInt256.Zero }
            : throw new RpcException($"no wallet found for account {arguments.From.ToChecksumString()}");
    }

    private async Task<string> MakeUuidAsync(Address management, SendTransactionArguments arguments, CancellationToken cancellation)
    {
        var manager = node.TransactionManager;
        var locked = await manager.SealAsync(management.ToArray(), arguments.PrivateFrom, cancellation).ConfigureAwait(false);
        var send = new SendArguments(locked.ToJson(), arguments.PrivateFrom, arguments.PrivateFor!);
        return (await manager.SendAsync(send, cancellation).ConfigureAwait(false)).Hash.ToString();
    }

    private Task<Hash256> SendAsync(SendTransactionArguments arguments, Address? to, byte[] data, CancellationToken cancellation) =>
        sender.SendStoredAsync(new SendTransactionArguments
        {
            From = arguments.From,
            To = to,
            Data = data,
            Gas = arguments.Gas,
            GasPrice = arguments.GasPrice,
            PrivateFrom = arguments.PrivateFrom,
            PrivateFor = arguments.PrivateFor,
        }, cancellation);

    private (byte[] State, Account Account) StateOf(Address contract)
    {
        using var view = node.OpenView();
        var state = view.PrivateState(view.Head);
        if (state.GetAccount(contract) is not { } account || account.CodeHash == Hash256.EmptyCode)
            throw new RpcException($"contract {contract} has no code here any more");
        var code = state.GetCode(account.CodeHash) ?? [];
        return (SharedState.Write(contract, account, code, Slots(view, contract)), account);
    }

    private static IEnumerable<(UInt256 Slot, UInt256 Value)> Slots(NodeView view, Address contract)
    {
        var count = 0;
        foreach (var slot in view.Storage(ofPrivate: true, view.Head, contract))
            yield return ++count <= MostSlots ? slot
                : throw new RpcException($"contract {contract} has more than {MostSlots} slots: too many for a payload");
    }

    /// <summary>The contract's own flag goes with its state.</summary>
    private async Task<SendPrivacy> PrivacyOfAsync(Account account, CancellationToken cancellation) => account.Privacy switch
    {
        null => SendPrivacy.Standard,
        { Mode: PrivacyMode.MandatoryRecipients } metadata => new SendPrivacy(metadata.Mode)
        {
            MandatoryFor = await node.TransactionManager.MandatoryRecipientsAsync(metadata.Creation, cancellation).ConfigureAwait(false),
        },
        { Mode: PrivacyMode.PrivateStateValidation } metadata => new SendPrivacy(metadata.Mode)
        {
            ExecutionHash = Convert.ToBase64String(account.StorageRoot.Bytes),
        },
        var metadata => new SendPrivacy(metadata.Mode),
    };
}
