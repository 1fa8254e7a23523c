import { defineProcessor } from 'millrace';

export default defineProcessor({
  name: 'pass',
  description: 'Gives each record back as it is',
  record: (row) => row,
});
