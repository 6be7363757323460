using System.Collections.Concurrent;
using QuorumMesh.Primitives;

namespace QuorumMesh.Node.Rpc.Calls;

/// <summary>One at a time per account, from choosing a nonce until the pool has the transaction. Forgets accounts that nobody waits for.</summary>
internal sealed class AccountLocks
{
    private readonly Dictionary<Address, (SemaphoreSlim Gate, int Users)> _gates = [];
    private readonly Lock _sync = new();

    public async Task<IDisposable> EnterAsync(Address account, CancellationToken cancellation)
    {
        SemaphoreSlim gate;
        lock (_sync)
        {
            var (known, users) = _gates.TryGetValue(account, out var entry) ? entry : (new SemaphoreSlim(1, 1), 0);
            _gates[account] = (gate = known, users + 1);
        }
        try
        {
            await gate.WaitAsync(cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Leave(account, release: false);
            throw;
        }
        return new Held(this, account);
    }

    private void Leave(Address account, bool release)
    {
        lock (_sync)
        {
            var (gate, users) = _gates[account];
            if (release) gate.Release();
            if (users == 1) _gates.Remove(account);
            else _gates[account] = (gate, users - 1);
        }
    }

    private sealed class Held(AccountLocks locks, Address account) : IDisposable
    {
        private int _left;

        public void Dispose()
        {
            if (Interlocked.Exchange(ref _left, 1) == 0) locks.Leave(account, release: true);
        }
    }
}
