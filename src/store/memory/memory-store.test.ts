import { testStoreContract } from '../../testing/store-contract.ts';
import { openMemoryStore } from './memory-store.ts';

testStoreContract('memory', async () => openMemoryStore());
