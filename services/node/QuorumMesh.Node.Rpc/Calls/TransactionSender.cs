using QuorumMesh.Chain;
using QuorumMesh.Chain.Execution;
using QuorumMesh.Node.Rpc.Api;
using QuorumMesh.Node.Rpc.Engine;
using QuorumMesh.Node.Rpc.Json;
using QuorumMesh.Node.Runtime;
using QuorumMesh.Node.Runtime.Ports;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>
/// Builds, signs and submits what a caller describes (2.5:internal/ethapi/api.go): private ones by way of the transaction
/// manager.
/// </summary>
internal sealed class TransactionSender(INode node, EthCallApi estimator, PublicTransactionPolicy policy,
    ReplayProtection protection, PrivateGuard guard, PrivacyMarkers markers, ExtensionJudge extensions)
{
    /// <summary>More than all fields of a transaction beside its data.</summary>
    private const int EnvelopeSize = 512;

    private readonly AccountNonces _nonces = new(node.PendingNonceAsync);

    /// <summary>Submits what was signed elsewhere, unless a rule of this node's JSON-RPC is against it.</summary>
    /// <param name="userAgent">Of the client, for what a refusal says.</param>
    public async Task<Hash256> SendRawAsync(Transaction transaction, string? userAgent, CancellationToken cancellation)
    {
        await RequireTakenAsync(transaction, userAgent, cancellation).ConfigureAwait(false);
        return await SubmitAsync(transaction, cancellation).ConfigureAwait(false);
    }

    /// <summary>The same for some that came in one batch, in their order: they are taken in one step.</summary>
    /// <returns>Why each is refused; null for one that is taken.</returns>
    public async Task<IReadOnlyList<Exception?>> SendAllRawAsync(
        IReadOnlyList<Transaction> transactions, RpcSession session, CancellationToken cancellation)
    {
        var refused = new Exception?[transactions.Count];
        var allowed = new List<Transaction>(refused.Length);
        var batch = new PrivateGuardBatch();
        if (guard.IsOn) FindSenders(transactions);
        for (var i = 0; i < refused.Length; i++)
        {
            try
            {
                await RequireTakenAsync(transactions[i], session.UserAgent, cancellation, batch).ConfigureAwait(false);
                allowed.Add(transactions[i]);
            }
            catch (RpcException e)
            {
                refused[i] = e;
            }
        }
        if (allowed.Count == 0) return refused;
        var reasons = await node.SubmitAllAsync(allowed, cancellation).ConfigureAwait(false);
        var next = 0;
        for (var i = 0; i < refused.Length; i++)
            if (refused[i] is null && reasons[next++] is { } reason) refused[i] = new TransactionRejectedException(reason);
        return refused;
    }

    /// <summary>This node's own rules.</summary>
    /// <exception cref="RpcException">One is against it.</exception>
    private async ValueTask RequireTakenAsync(Transaction transaction, string? userAgent, CancellationToken cancellation,
        PrivateGuardBatch? batch = null)
    {
        protection.Require(transaction);
        // A marker is public in its form alone.
        if (!markers.Is(transaction)) policy.RequireAllowed(transaction, Sender);
        else if (FindSender(transaction) is { } signer)
            await markers.RequireRunnableAsync(new RecoveredTransaction(transaction, signer), cancellation).ConfigureAwait(false);
        // One without a sender is refused later, in the words of the pool.
        if (!guard.IsOn || FindSender(transaction) is not { } from) return;
        if (!transaction.IsPrivate)
            await guard.RequireMeantAsync(from, transaction.To, userAgent, cancellation, batch).ConfigureAwait(false);
        if (transaction.IsCreation) batch?.AddCreation(from, transaction.IsPrivate);
    }

    /// <summary>Submits what is signed, unless it can be sent again on other chains.</summary>
    private Task<Hash256> SubmitAsync(Transaction transaction, CancellationToken cancellation)
    {
        protection.Require(transaction);
        return node.SubmitAsync(transaction, cancellation);
    }

    /// <inheritdoc cref="SubmitAsync"/>
    /// <param name="signer">Whose key of this node's it is signed with.</param>
    private Task<Hash256> SubmitSignedAsync(Transaction transaction, Address signer, CancellationToken cancellation)
    {
        protection.Require(transaction);
        return node.SubmitSignedAsync(transaction, signer, cancellation);
    }

    /// <param name="password">Null signs with the unlocked key.</param>
    /// <param name="userAgent">Of the client, for what a refusal says.</param>
    public async Task<Hash256> SendAsync(SendTransactionArguments arguments, string? password, string? userAgent,
        CancellationToken cancellation)
    {
        RequireAccount(arguments.From);
        Check(arguments);
        RequireAllowed(arguments);
        await RequireMeantAsync(arguments, userAgent, cancellation).ConfigureAwait(false);
        var gas = await GasAsync(arguments, cancellation).ConfigureAwait(false);
        var data = await DistributeAsync(arguments, gas, cancellation).ConfigureAwait(false);
        var isHidden = markers.Hides(arguments);
        // The manager has answered before a nonce is taken: private transactions of one account are distributed side by side.
        if (arguments.Nonce is { } nonce)
            return await SubmitSignedAsync(await SignedAsync(nonce).ConfigureAwait(false), arguments.From, cancellation)
                .ConfigureAwait(false);
        var mayOverlap = password is null && !isHidden && IsSureToBePooled(arguments, data, gas);
        return await _nonces.SubmitAsync(arguments.From, mayOverlap, SignAndSubmitAsync, cancellation).ConfigureAwait(false);

        async Task<Hash256> SignAndSubmitAsync(ulong next) =>
            await SubmitSignedAsync(await SignedAsync(next).ConfigureAwait(false), arguments.From, CancellationToken.None)
                .ConfigureAwait(false);

        async ValueTask<Transaction> SignedAsync(ulong next)
        {
            var signed = await SignAsync(Build(arguments, data, gas, next), arguments, password, cancellation).ConfigureAwait(false);
            if (!isHidden) return signed;
            var inner = new RecoveredTransaction(signed, arguments.From);
            var marker = await markers.WrapAsync(inner, arguments, cancellation).ConfigureAwait(false);
            return await SignAsync(marker, arguments with { PrivateFor = null }, password, cancellation).ConfigureAwait(false);
        }
    }

    /// <summary>Opening a key by its password takes a second of computing.</summary>
    private async ValueTask<Transaction> SignAsync(
        Transaction unsigned, SendTransactionArguments arguments, string? password, CancellationToken cancellation) =>
        password is null ? Sign(unsigned, arguments, null)
            : await Task.Run(() => Sign(unsigned, arguments, password), cancellation).ConfigureAwait(false);

    /// <summary>Whether nothing in a transaction can make the pool refuse it, whatever the account's balance.</summary>
    private bool IsSureToBePooled(SendTransactionArguments arguments, byte[] data, ulong gas)
    {
        if (!arguments.Value.IsZero || arguments.GasPrice is { IsZero: false } || (arguments.IsPrivate && data.Length == 0)) return false;
        if (arguments is { IsPrivate: false } and not { AccessList: null, MaxFeePerGas: null, MaxPriorityFeePerGas: null }) return false;
        using var view = node.OpenView();
        if (data.Length > node.Config.TransactionSizeLimitAt(view.Head, node.Profile) - EnvelopeSize) return false;
        return gas <= view.HeadHeader.GasLimit
            && gas >= IntrinsicGas.Least(data, arguments.To is null, view.Rules.IntrinsicRulesAt(view.Head + 1));
    }

    /// <summary>Signs without sending and, as GoQuorum, without telling the manager.</summary>
    public Transaction SignOnly(SendTransactionArguments arguments, string? password)
    {
        if (arguments.Gas is not { } gas) throw new RpcException("gas not specified");
        if ((arguments.GasPrice ?? arguments.MaxFeePerGas) is null) throw new RpcException("gasPrice not specified");
        if (arguments.Nonce is not { } nonce) throw new RpcException("nonce not specified");
        RequireAccount(arguments.From);
        Check(arguments);
        RequireAllowed(arguments);
        return Sign(Build(arguments, Payload(arguments), gas, nonce), arguments, password);
    }

    /// <summary>Completes a transaction for signing elsewhere; a private payload is stored with the manager and its hash put in.</summary>
    public async Task<Transaction> FillAsync(SendTransactionArguments arguments, CancellationToken cancellation)
    {
        Check(arguments);
        var gas = await GasAsync(arguments, cancellation).ConfigureAwait(false);
        var nonce = arguments.Nonce ?? await node.PendingNonceAsync(arguments.From, cancellation).ConfigureAwait(false);
        if (!arguments.IsPrivate) return Build(arguments, Payload(arguments), gas, nonce);
        RequireManager();
        RequireFlag(arguments);
        var payload = Payload(arguments);
        var hash = await node.TransactionManager.StoreRawAsync(payload, arguments.PrivateFrom, cancellation).ConfigureAwait(false);
        return TransactionSigner.MarkPrivate(Build(arguments, hash.ToArray(), gas, nonce));
    }

    /// <summary>
    /// Sends a transaction of the pool again with another price or gas limit; zero leaves either as it is. The pool decides
    /// whether the new one replaces it.
    /// </summary>
    public async Task<Hash256> ResendAsync(SendTransactionArguments arguments, UInt256 gasPrice, ulong gas, string? userAgent,
        CancellationToken cancellation)
    {
        if (arguments.Nonce is not { } nonce) throw new RpcException("missing transaction nonce in transaction spec");
        Check(arguments);
        RequireAllowed(arguments);
        await RequireMeantAsync(arguments, userAgent, cancellation).ConfigureAwait(false);
        var wanted = Build(arguments, Payload(arguments), await GasAsync(arguments, cancellation).ConfigureAwait(false), nonce);
        var own = await node.PoolContentAsync(new HashSet<Address> { arguments.From }, cancellation).ConfigureAwait(false);
        if (!own.SelectMany(c => c.Pending).Any(p => p.Tx.SigningHash(null) == wanted.SigningHash(null)))
            throw new RpcException($"Transaction {Hex.ToHex(wanted.Hash.ToArray(), prefix: false)} not found");
        var priced = arguments with { GasPrice = gasPrice.IsZero ? arguments.GasPrice : gasPrice };
        Check(priced);
        var changed = Build(priced, wanted.Data, gas == 0 ? wanted.GasLimit : gas, nonce);
        return await SubmitSignedAsync(Sign(changed, arguments, null), arguments.From, cancellation).ConfigureAwait(false);
    }

    /// <summary>Submits a raw private transaction whose payload was stored before: distributes it first.</summary>
    /// <param name="arguments">Recipients and flag alone.</param>
    public async Task<Hash256> SendRawPrivateAsync(Transaction transaction, SendTransactionArguments arguments,
        CancellationToken cancellation)
    {
        await DistributeRawAsync(transaction, arguments, cancellation).ConfigureAwait(false);
        return await SubmitAsync(transaction, cancellation).ConfigureAwait(false);
    }

    /// <summary>Distributes a raw private transaction and its payload, for a marker that the caller makes and sends.</summary>
    /// <returns>What the marker's data is to be.</returns>
    public async Task<PayloadHash> DistributeForMarkerAsync(
        Transaction transaction, SendTransactionArguments arguments, CancellationToken cancellation)
    {
        await DistributeRawAsync(transaction, arguments, cancellation).ConfigureAwait(false);
        return await markers.DistributeAsync(new RecoveredTransaction(transaction, Sender(transaction)), arguments, cancellation)
            .ConfigureAwait(false);
    }

    private async Task DistributeRawAsync(Transaction transaction, SendTransactionArguments arguments, CancellationToken cancellation)
    {
        if (transaction.Type == TransactionType.SetCode)
            throw new RpcException("a transaction with an authorization list (EIP-7702) cannot be private: send it by "
            + "eth_sendRawTransaction");
        if (!transaction.IsPrivate || arguments.PrivateFor is not { } privateFor) throw new RpcException("transaction is not private");
        RequireManager();
        RequireWilling();
        var moving = await extensions.MovingAsync(cancellation).ConfigureAwait(false);
        RequireAtRest(transaction.To, moving);
        var isEnhanced = RequireFlag(arguments);
        if (transaction.PayloadHash is not { } hash)
            throw new RpcException($"the data of a private transaction is the {PayloadHash.Size}-byte hash from the transaction manager's "
                + $"storeraw, not {transaction.Data.Length} bytes");
        // Without the payload there is nothing to run: the manager, which has to have it, says so.
        var privacy = new SendPrivacy((PrivacyMode)arguments.PrivacyFlag) { MandatoryFor = arguments.MandatoryFor };
        if (isEnhanced && await node.TransactionManager.ReceiveStoredAsync(hash, cancellation).ConfigureAwait(false) is { } payload)
        {
            var message = TransactionMessage.Of(new RecoveredTransaction(transaction, Sender(transaction)), UInt256.Zero);
            privacy = await SimulateAsync(message with { Data = payload }, arguments, moving, cancellation).ConfigureAwait(false);
        }
        await node.TransactionManager.SendSignedAsync(hash, privateFor, privacy, cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// Sends what a contract extension puts to its management contract, as GoQuorum's contract bindings do: the payload is stored, then
    /// distributed, and gas limit and price are the pool's to judge (24:accounts/abi/bind/base.go).
    /// </summary>
    /// <param name="arguments">With gas; the nonce is the account's next one, and the flag the standard one, whatever they say.</param>
    public async Task<Hash256> SendStoredAsync(SendTransactionArguments arguments, CancellationToken cancellation)
    {
        RequireManager();
        RequireWilling();
        var manager = node.TransactionManager;
        var hash = await manager.StoreRawAsync(Payload(arguments), arguments.PrivateFrom, cancellation).ConfigureAwait(false);
        await manager.SendSignedAsync(hash, arguments.PrivateFor!, SendPrivacy.Standard, cancellation).ConfigureAwait(false);
        return await _nonces.SubmitAsync(arguments.From, mayOverlap: false, nonce => SubmitSignedAsync(
            Sign(Build(arguments, hash.ToArray(), arguments.Gas!.Value, nonce), arguments, null), arguments.From, CancellationToken.None),
            cancellation).ConfigureAwait(false);
    }

    /// <summary>
    /// GoQuorum takes what is sent to a contract between the last vote of its extension and the share of its state: it is lost for the new
    /// party, whose state differs from then on.
    /// </summary>
    private static void RequireAtRest(Address? to, IReadOnlyDictionary<Address, Address> moving)
    {
        if (to is { } contract && moving.TryGetValue(contract, out var management)) throw Moving(contract, management);
    }

    /// <summary>Of a private transaction that would be lost for a new party of the contract.</summary>
    internal static RpcException Moving(in Address contract, in Address management) =>
        new($"contract {contract} is on its way to a new party (extension {management}): what is sent to it now would be missing there. "
            + "Try again when quorumExtension_getExtensionStatus says DONE, or have the initiator cancel the extension");

    private async Task<byte[]> DistributeAsync(SendTransactionArguments arguments, ulong gas, CancellationToken cancellation)
    {
        var payload = Payload(arguments);
        var isEnhanced = arguments.IsPrivate && RequireFlag(arguments);
        // An empty payload is not distributed: the pool refuses such a transaction, as it does one with a value.
        if (!arguments.IsPrivate || payload.Length == 0) return payload;
        RequireManager();
        var moving = await extensions.MovingAsync(cancellation).ConfigureAwait(false);
        RequireAtRest(arguments.To, moving);
        if (!arguments.Value.IsZero) throw new RpcException("ether value is not supported for private transactions");
        RequireWilling();
        var send = new SendArguments(payload, arguments.PrivateFrom, arguments.PrivateFor!)
        {
            Privacy = isEnhanced ? await SimulateAsync(arguments, payload, gas, moving, cancellation).ConfigureAwait(false)
                : SendPrivacy.Standard,
        };
        var answer = await node.TransactionManager.SendAsync(send, cancellation).ConfigureAwait(false);
        node.RememberPayload(answer);
        return answer.Hash.ToArray();
    }

    /// <returns>Whether the chain has privacy enhancements now, so that every private transaction is looked at before it is sent.</returns>
    /// <exception cref="RpcException">The flag cannot be sent.</exception>
    private bool RequireFlag(SendTransactionArguments arguments)
    {
        using var view = node.OpenView();
        var isEnhanced = node.Config.HasPrivacyEnhancements(view.Head, node.Profile);
        PrivacySimulation.Check(arguments.PrivacyFlag, arguments.MandatoryFor, isEnhanced);
        return isEnhanced;
    }

    private async ValueTask<SendPrivacy> SimulateAsync(
        SendTransactionArguments arguments, byte[] payload, ulong gas, IReadOnlyDictionary<Address, Address> moving,
        CancellationToken cancellation)
    {
        var nonce = arguments.Nonce ?? (arguments.To is null
            ? await node.PendingNonceAsync(arguments.From, cancellation).ConfigureAwait(false) : 0);
        var message = new TransactionMessage
        {
            From = arguments.From,
            To = arguments.To,
            Nonce = nonce,
            GasLimit = gas,
            GasPrice = arguments.GasPrice ?? UInt256.Zero,
            Data = payload,
        };
        return await SimulateAsync(message, arguments, moving, cancellation).ConfigureAwait(false);
    }

    private ValueTask<SendPrivacy> SimulateAsync(
        TransactionMessage message, SendTransactionArguments arguments, IReadOnlyDictionary<Address, Address> moving,
        CancellationToken cancellation) =>
        estimator.RunAsync(cancellation, (scope, stop) => PrivacySimulation.Run(scope,
            scope.Header(Json.BlockTag.Latest) ?? throw new RpcException("header not found"), message, (PrivacyMode)arguments.PrivacyFlag,
            arguments.MandatoryFor, moving, stop));

    private async ValueTask<ulong> PrivateGasAsync(SendTransactionArguments arguments, CancellationToken cancellation)
    {
        var asCall = new CallArguments { From = arguments.From, To = arguments.To, Value = arguments.Value, Data = Payload(arguments) };
        var room = await estimator.EstimatePrivateAsync(asCall, cancellation).ConfigureAwait(false);
        if (arguments.GasPrice is not { IsZero: false } price) return room.Wanted;
        // Where gas has a price the room must not cost more than the account has.
        using var view = node.OpenView();
        var most = (view.PublicState(view.Head).GetAccount(arguments.From)?.Balance ?? UInt256.Zero) / price;
        return most >= room.Wanted ? room.Wanted : Math.Max(room.Least, (ulong)most);
    }

    private async ValueTask<ulong> GasAsync(SendTransactionArguments arguments, CancellationToken cancellation)
    {
        if (arguments.Gas is { } given) return given;
        if (node.Profile.Rpc.GasWhenAbsent is { } gas) return gas;
        if (arguments.IsPrivate) return await PrivateGasAsync(arguments, cancellation).ConfigureAwait(false);
        var asCall = new CallArguments
        {
            From = arguments.From,
            To = arguments.To,
            Value = arguments.Value,
            Data = Payload(arguments),
            AccessList = arguments.IsPrivate ? null : arguments.AccessList
        };
        return await estimator.EstimateAsync(asCall, BlockTag.Latest, cancellation).ConfigureAwait(false);
    }

    private byte[] Payload(SendTransactionArguments arguments)
    {
        if (node.Profile.Rpc.HasOldInput) return arguments.Data ?? (arguments.IsPrivate ? [] : arguments.Input ?? []);
        if (arguments is { Data: { } data, Input: { } input } && !data.AsSpan().SequenceEqual(input))
            throw new RpcException("""both "data" and "input" are set and not equal. Please use "input" to pass transaction call data""");
        var payload = arguments.Input ?? arguments.Data ?? [];
        return arguments.To is null && payload.Length == 0
            ? throw new RpcException("contract creation without any data provided") : payload;
    }

    private void Check(SendTransactionArguments arguments) => UnsignedTransaction.Check(arguments, node.Config, NextFork());

    private Transaction Build(SendTransactionArguments arguments, byte[] data, ulong gas, ulong nonce) =>
        UnsignedTransaction.Build(arguments, node.Config, NextFork(), data, gas, nonce);

    private Evm.Fork NextFork()
    {
        using var view = node.OpenView();
        return view.Rules.ForkAt(view.Head + 1);
    }

    private Transaction Sign(Transaction transaction, SendTransactionArguments arguments, string? password)
    {
        UInt256? chainId = null;
        if (!arguments.IsPrivate)
        {
            using var view = node.OpenView();
            if (node.Config.IsEip155(view.Head)) chainId = node.Config.ChainId;
        }
        var hash = transaction.SigningHash(chainId);
        var signature = password is null ? node.Accounts.Sign(arguments.From, hash)
            : node.Accounts.SignWithPassword(arguments.From, password, hash);
        return arguments.IsPrivate ? TransactionSigner.WithPrivateSignature(transaction, signature)
            : TransactionSigner.WithSignature(transaction, signature, chainId);
    }

    private void RequireAccount(Address account)
    {
        if (!node.Accounts.IsUnlocked(account) && !node.Accounts.Accounts.Contains(account)) throw new RpcException("unknown account");
    }

    /// <summary>Before a payload goes out to its recipients: a node that takes no transactions would leave them with it.</summary>
    private void RequireWilling()
    {
        if (node.Refusal is { } why) throw new TransactionRejectedException(why);
    }

    private void RequireAllowed(SendTransactionArguments arguments)
    {
        if (!arguments.IsPrivate) policy.RequireAllowed(arguments.From, arguments.To);
    }

    private ValueTask RequireMeantAsync(SendTransactionArguments arguments, string? userAgent, CancellationToken cancellation) =>
        arguments.IsPrivate ? ValueTask.CompletedTask
            : guard.RequireMeantAsync(arguments.From, arguments.To, userAgent, cancellation);

    private Address Sender(Transaction transaction) => FindSender(transaction) ?? throw new RpcException("invalid sender");

    private Address? FindSender(Transaction transaction)
    {
        using var view = node.OpenView();
        return view.FindSender(transaction, view.Head + 1);
    }

    /// <summary>Recovers senders side by side; each is known from then on.</summary>
    private void FindSenders(IReadOnlyList<Transaction> transactions)
    {
        using var view = node.OpenView();
        view.FindSenders(transactions, view.Head + 1);
    }

    private void RequireManager()
    {
        if (!node.TransactionManager.Enabled) throw new RpcException("PrivateTransactionManager is not enabled");
    }
}
